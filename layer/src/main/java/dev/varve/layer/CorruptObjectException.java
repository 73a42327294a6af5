package dev.varve.layer;

import java.io.IOException;

/// A layer in object storage is not what was written: says which object, where in it, and what was
/// found.
public final class CorruptObjectException extends IOException {

  private static final long serialVersionUID = 1L;

  private final String object;
  private final long offset;

  public CorruptObjectException(String object, long offset, String finding) {
    super("object " + object + " is damaged at byte " + offset + ": " + finding);
    this.object = object;
    this.offset = offset;
  }

  /// The object's name.
  public String object() {
    return object;
  }

  /// Bytes from the beginning of the object.
  public long offset() {
    return offset;
  }
}
