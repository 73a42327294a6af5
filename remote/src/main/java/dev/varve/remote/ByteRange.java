package dev.varve.remote;

/// Bytes of an object: `length` of them from `offset` on, or all, whatever its size.
public record ByteRange(long offset, long length) {

  /// All of an object.
  public static final ByteRange WHOLE = new ByteRange(0, Long.MAX_VALUE);

  public ByteRange {
    if (offset < 0 || length <= 0 || (offset > 0 && length > Long.MAX_VALUE - offset)) {
      throw new IllegalArgumentException("no object has " + length + " bytes from " + offset);
    }
  }

  /// Whether this asks for all there is, without saying how much.
  public boolean isWhole() {
    return offset == 0 && length == Long.MAX_VALUE;
  }

  @Override
  public String toString() {
    return isWhole() ? "all bytes" : "bytes " + offset + ".." + (offset + length);
  }
}
