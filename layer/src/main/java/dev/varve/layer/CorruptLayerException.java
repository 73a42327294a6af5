package dev.varve.layer;

import java.io.IOException;
import java.nio.file.Path;

/// A layer file does not hold what was written: says which file, where in it, and what was found.
public final class CorruptLayerException extends IOException {

  private static final long serialVersionUID = 1L;

  private final transient Path file;
  private final long offset;
  private final String finding;

  public CorruptLayerException(Path file, long offset, String finding) {
    super("layer file " + file + " is damaged at byte " + offset + ": " + finding);
    this.file = file;
    this.offset = offset;
    this.finding = finding;
  }

  public Path file() {
    return file;
  }

  /// Bytes from the beginning of the file.
  public long offset() {
    return offset;
  }

  public String finding() {
    return finding;
  }
}
