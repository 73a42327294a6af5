package dev.varve.layer;

import java.io.IOException;

/// A layer in object storage is not what was written: says which object, where in it, and what was
/// found.
public final class CorruptObjectException extends IOException {

  private static final long serialVersionUID = 1L;

  private final transient RemoteLayer layer;
  private final String object;
  private final long offset;
  private final String finding;

  public CorruptObjectException(RemoteLayer layer, String object, long offset, String finding) {
    super("object " + object + " is damaged at byte " + offset + ": " + finding);
    this.layer = layer;
    this.object = object;
    this.offset = offset;
    this.finding = finding;
  }

  /// The layer that is in it.
  public RemoteLayer layer() {
    return layer;
  }

  /// The object's name.
  public String object() {
    return object;
  }

  /// Bytes from the beginning of the object.
  public long offset() {
    return offset;
  }

  public String finding() {
    return finding;
  }
}
