package dev.varve.layer;

import dev.varve.model.Key;

/// Says where blocks are, by the first version in each. There are two levels: leaves point to data
/// blocks, the root to leaves and to each leaf's {@link KeyFilter}, which lies directly before it.
///
/// Entries of equal length, in the order of the blocks:
///
/// | offset | length | field                                                           |
/// |--------|--------|-----------------------------------------------------------------|
/// | 0      | 8      | the key's `upper`                                               |
/// | 8      | 8      | the key's `middle`                                              |
/// | 16     | 8      | the key's `lower`                                               |
/// | 24     | 8      | LSN                                                             |
/// | 32     | 8      | where the block's frame begins in the file                      |
/// | 40     | 4      | length of the frame and the packed bytes                        |
/// | 44     | 4      | length of the unpacked bytes                                    |
/// | 48     | 4      | root only: length of the filter's frame and packed bytes        |
/// | 52     | 4      | root only: length of the filter's unpacked bytes                |
final class IndexBlock implements CachedBlock {

  static final int LEAF_ENTRY = 48;
  static final int ROOT_ENTRY = 56;

  private final byte[] bytes;
  private final int entryLength;
  private final int count;

  private IndexBlock(byte[] bytes, int entryLength, int count) {
    this.bytes = bytes;
    this.entryLength = entryLength;
    this.count = count;
  }

  @Override
  public byte[] bytes() {
    return bytes;
  }

  int count() {
    return count;
  }

  /// Checks the length and the order of the entries.
  static IndexBlock of(byte[] bytes, int length, int entryLength) throws MalformedBlockException {
    if (length == 0 || length % entryLength != 0) {
      throw new MalformedBlockException("an index of " + length + " bytes");
    }
    var block = new IndexBlock(bytes, entryLength, length / entryLength);
    for (int i = 1; i < block.count; i++) {
      if (block.compare(i - 1, block.upper(i), block.middle(i), block.lower(i), block.lsn(i)) >= 0
          || block.offset(i - 1) + block.length(i - 1) > block.offset(i)) {
        throw new MalformedBlockException("entry " + i + " of an index is not in order");
      }
    }
    return block;
  }

  long upper(int entry) {
    return Encoding.getLong(bytes, entry * entryLength);
  }

  long middle(int entry) {
    return Encoding.getLong(bytes, entry * entryLength + 8);
  }

  long lower(int entry) {
    return Encoding.getLong(bytes, entry * entryLength + 16);
  }

  long lsn(int entry) {
    return Encoding.getLong(bytes, entry * entryLength + 24);
  }

  long offset(int entry) {
    return Encoding.getLong(bytes, entry * entryLength + 32);
  }

  int length(int entry) {
    return Encoding.getInt(bytes, entry * entryLength + 40);
  }

  int unpacked(int entry) {
    return Encoding.getInt(bytes, entry * entryLength + 44);
  }

  int filterLength(int entry) {
    return Encoding.getInt(bytes, entry * entryLength + 48);
  }

  int filterUnpacked(int entry) {
    return Encoding.getInt(bytes, entry * entryLength + 52);
  }

  private int compare(int entry, long upper, long middle, long lower, long lsn) {
    int order = Key.compare(upper(entry), middle(entry), lower(entry), upper, middle, lower);
    return order == 0 ? Long.compareUnsigned(lsn(entry), lsn) : order;
  }

  boolean isKey(int entry, long upper, long middle, long lower) {
    return lower(entry) == lower && middle(entry) == middle && upper(entry) == upper;
  }

  /// As {@link #lastBefore(long, long, long, long)}, faster when it is `guess` or the entry after.
  int lastBefore(long upper, long middle, long lower, long lsn, int guess) {
    if (isLastBefore(guess, upper, middle, lower, lsn)) {
      return guess;
    }
    if (isLastBefore(guess + 1, upper, middle, lower, lsn)) {
      return guess + 1;
    }
    return lastBefore(upper, middle, lower, lsn);
  }

  private boolean isLastBefore(int entry, long upper, long middle, long lower, long lsn) {
    return entry >= 0
        && entry < count
        && compare(entry, upper, middle, lower, lsn) < 0
        && (entry + 1 == count || compare(entry + 1, upper, middle, lower, lsn) >= 0);
  }

  /// The last entry whose block begins before the given version, or -1.
  int lastBefore(long upper, long middle, long lower, long lsn) {
    int low = 0;
    int high = count;
    while (low < high) {
      int mid = (low + high) >>> 1;
      if (compare(mid, upper, middle, lower, lsn) < 0) {
        low = mid + 1;
      } else {
        high = mid;
      }
    }
    return low - 1;
  }
}
