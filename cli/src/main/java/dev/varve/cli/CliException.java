package dev.varve.cli;

/// What went wrong and what to do about it, in one sentence for the person at the terminal.
final class CliException extends RuntimeException {

  CliException(String message) {
    super(message);
  }

  CliException(String message, Throwable cause) {
    super(message, cause);
  }
}
