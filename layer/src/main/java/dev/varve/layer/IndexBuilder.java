package dev.varve.layer;

import java.util.Arrays;

/// Makes {@link IndexBlock}s.
final class IndexBuilder {

  private final int entryLength;
  private byte[] bytes = new byte[1 << 14];
  private int length;

  IndexBuilder(int entryLength) {
    this.entryLength = entryLength;
  }

  int count() {
    return length / entryLength;
  }

  /// Appends an entry for a block that begins with the given version.
  ///
  /// @return where the entry begins in {@link #bytes()}
  int add(
      long upper, long middle, long lower, long lsn, long offset, int blockLength, int unpacked) {
    if (length + entryLength > bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * bytes.length);
    }
    int at = length;
    Encoding.putLong(bytes, at, upper);
    Encoding.putLong(bytes, at + 8, middle);
    Encoding.putLong(bytes, at + 16, lower);
    Encoding.putLong(bytes, at + 24, lsn);
    Encoding.putLong(bytes, at + 32, offset);
    Encoding.putInt(bytes, at + 40, blockLength);
    Encoding.putInt(bytes, at + 44, unpacked);
    length += entryLength;
    return at;
  }

  /// Appends an entry of a root.
  ///
  /// @param offset where the frame of the leaf begins
  /// @param framed length of the leaf's frame and packed bytes
  /// @param filter length of the frame and packed bytes of the filter, directly before
  void addLeaf(IndexBuilder leaf, long offset, int framed, int filter, int filterUnpacked) {
    byte[] first = leaf.bytes;
    int at =
        add(
            Encoding.getLong(first, 0),
            Encoding.getLong(first, 8),
            Encoding.getLong(first, 16),
            Encoding.getLong(first, 24),
            offset,
            framed,
            leaf.length);
    Encoding.putInt(bytes, at + 48, filter);
    Encoding.putInt(bytes, at + 52, filterUnpacked);
  }

  byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  void clear() {
    length = 0;
  }
}
