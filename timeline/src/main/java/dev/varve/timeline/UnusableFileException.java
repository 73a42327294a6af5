package dev.varve.timeline;

import java.io.IOException;

/// A small file of a timeline is missing or is not what was written; the message is a sentence that
/// names it.
final class UnusableFileException extends IOException {

  private static final long serialVersionUID = 1;

  UnusableFileException(String message) {
    super(message);
  }

  UnusableFileException(String message, Throwable cause) {
    super(message, cause);
  }
}
