package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// A version as tests keep it.
record Version(Key key, Lsn lsn, boolean image, boolean initializes, ByteString bytes)
    implements Comparable<Version> {

  /// Bytes that compare by content.
  static final class ByteString {
    private final byte[] bytes;

    ByteString(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public boolean equals(Object that) {
      return that instanceof ByteString other && Arrays.equals(bytes, other.bytes);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
      return bytes.length + " bytes, hash " + hashCode();
    }

    int length() {
      return bytes.length;
    }

    MemorySegment segment() {
      return MemorySegment.ofArray(bytes);
    }
  }

  static Version of(LayerCursor cursor) {
    return new Version(
        Key.of(cursor.upper(), cursor.middle(), cursor.lower()),
        new Lsn(cursor.lsn()),
        cursor.image(),
        cursor.initializes(),
        copy(cursor.bytes()));
  }

  static ByteString copy(MemorySegment bytes) {
    return new ByteString(bytes.toArray(ValueLayout.JAVA_BYTE));
  }

  @Override
  public int compareTo(Version that) {
    int order = key.compareTo(that.key);
    return order == 0 ? lsn.compareTo(that.lsn) : order;
  }
}
