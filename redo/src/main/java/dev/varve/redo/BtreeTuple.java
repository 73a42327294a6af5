package dev.varve.redo;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.SHORT;

import java.lang.foreign.MemorySegment;

/// A tuple of a B-tree, wherever it lies.
///
/// | bytes | of a leaf's tuple       | of a posting list              | of an upper page's, or high key  |
/// |-------|-------------------------|--------------------------------|----------------------------------|
/// | 0-3   | heap block: high, low   | where the heap TIDs begin      | downlink: high half, low half    |
/// | 4-5   | heap item               | 2000 + how many there are      | 1000: has heap TID; + attributes |
/// | 6-7   | length, flags           | length, flags, 2000            | length, flags, 2000              |
/// | 8-    | key, included columns   | key, padding, 6 bytes each TID | key, padding, heap TID           |
///
/// The length (13 bits) counts all of it. Of the tuples that redo sees it is a multiple of 8
/// already. PostgreSQL's `access/nbtree.h` and `access/itup.h`.
///
/// A method that takes a tuple's length trusts it to lie within the segment, and nothing else.
final class BtreeTuple {

  static final int HEADER = 8;
  static final int TID = 6;

  /// Set in bytes 6-7 when bytes 0-5 are not the TID of a heap tuple.
  static final int ALTERNATIVE = 0x2000;

  private static final int LENGTH_BITS = 0x1FFF;
  private static final int POSTING = 0x2000;
  private static final int COUNT_BITS = 0x0FFF;

  private BtreeTuple() {}

  static int length(MemorySegment segment, long at) {
    return segment.get(SHORT, at + 6) & LENGTH_BITS;
  }

  /// The length of a tuple that has to end within `available` bytes, padding included.
  static int require(Change change, MemorySegment segment, long at, int available) {
    int length = available < HEADER ? 0 : length(segment, at);
    if (length < HEADER || PageItems.align(length) > available) {
      throw change.corrupted("a tuple of %d bytes where there are %d".formatted(length, available));
    }
    return length;
  }

  static boolean isPosting(MemorySegment segment, long at) {
    return (segment.get(SHORT, at + 6) & ALTERNATIVE) != 0
        && (segment.get(SHORT, at + 4) & POSTING) != 0;
  }

  /// The first four bytes as the number that they stand for: a block, or where the TIDs begin.
  static int block(MemorySegment segment, long at) {
    return Integer.rotateLeft(segment.get(INT, at), 16);
  }

  static void setBlock(MemorySegment segment, long at, int block) {
    segment.set(INT, at, Integer.rotateLeft(block, 16));
  }

  /// How many heap TIDs a leaf's tuple has.
  static int tids(MemorySegment segment, long at) {
    return isPosting(segment, at) ? segment.get(SHORT, at + 4) & COUNT_BITS : 1;
  }

  /// Where the TIDs begin in a tuple that is a posting list of at least two within its length.
  static int requirePosting(Change change, MemorySegment segment, long at, int length) {
    int start = length < HEADER || !isPosting(segment, at) ? 0 : block(segment, at);
    if (start < HEADER
        || start > length
        || tids(segment, at) < 2
        || start + tids(segment, at) * TID > length) {
      throw change.corrupted("a tuple of %d bytes is no posting list".formatted(length));
    }
    return start;
  }

  /// The length of the key with what precedes it, for a leaf's tuple that is sound.
  static int keyLength(MemorySegment segment, long at) {
    return isPosting(segment, at) ? block(segment, at) : length(segment, at);
  }

  /// Appends the TIDs of a sound leaf's tuple at `target`. @return where they end
  static long copyTids(MemorySegment source, long at, MemorySegment target, long targetAt) {
    int start = isPosting(source, at) ? block(source, at) : 0;
    int bytes = tids(source, at) * TID;
    MemorySegment.copy(source, at + start, target, targetAt, bytes);
    return targetAt + bytes;
  }

  /// Says in the tuple's header that `count` TIDs begin after its key, and how long that makes it.
  static void setPosting(MemorySegment segment, long at, int keyLength, int count, int length) {
    int flags = segment.get(SHORT, at + 6) & ~LENGTH_BITS;
    setBlock(segment, at, keyLength);
    segment.set(SHORT, at + 4, (short) (count | POSTING));
    segment.set(SHORT, at + 6, (short) (flags | ALTERNATIVE | length));
  }

  /// What a posting list takes up.
  static int postingLength(int keyLength, int count) {
    return PageItems.align(keyLength + count * TID);
  }

  /// Puts the TID of a new tuple, found at `incoming` in the change's bytes, into a posting list as
  /// its TID number `position`; the list's last TID has to go.
  ///
  /// @return the TID that went, as it lay in memory, to be given to {@link #setTid}
  static long exchangeTid(
      Change change, MemorySegment page, long at, int length, int position, long incoming) {
    int start = requirePosting(change, page, at, length);
    int count = tids(page, at);
    if (position < 1 || position >= count) {
      throw change.corrupted(
          "a posting list of %d can't be split at %d".formatted(count, position));
    }
    long gap = at + start + (long) position * TID;
    long last = tid(page, at + start + (count - 1L) * TID);
    MemorySegment.copy(page, gap, page, gap + TID, (count - 1L - position) * TID);
    setTid(page, gap, tid(change.bytes(), incoming));
    return last;
  }

  private static long tid(MemorySegment segment, long at) {
    return Integer.toUnsignedLong(segment.get(INT, at)) | (long) segment.get(SHORT, at + 4) << 32;
  }

  static void setTid(MemorySegment segment, long at, long tid) {
    segment.set(INT, at, (int) tid);
    segment.set(SHORT, at + 4, (short) (tid >>> 32));
  }

  /// Takes TIDs out of a posting list, in place; a list of one becomes a plain tuple.
  ///
  /// @param from where in the change's bytes the places in the list to take out are, `u16` each,
  ///   counted from 0, ascending
  /// @return the tuple's new length
  static int removeTids(
      Change change, MemorySegment page, long at, int length, long from, int removed) {
    MemorySegment positions = change.bytes();
    int start = requirePosting(change, page, at, length);
    int count = tids(page, at);
    long read = at + start;
    long write = read;
    int next = 0;
    for (int i = 0; i < count; i++, read += TID) {
      if (next < removed && (positions.get(SHORT, from + 2L * next) & 0xFFFF) == i) {
        next++;
      } else {
        setTid(page, write, tid(page, read));
        write += TID;
      }
    }
    int left = count - removed;
    if (next != removed || left < 1) {
      throw change.corrupted("%d of %d TIDs of a posting list".formatted(removed, count));
    }
    if (left == 1) {
      setTid(page, at, tid(page, at + start));
      int flags = page.get(SHORT, at + 6) & ~(LENGTH_BITS | ALTERNATIVE);
      page.set(SHORT, at + 6, (short) (flags | start));
      return start;
    }
    int shorter = postingLength(start, left);
    clear(page, write, at + shorter);
    setPosting(page, at, start, left, shorter);
    return shorter;
  }

  static void clear(MemorySegment page, long from, long end) {
    for (long at = from; at < end; at++) {
      page.set(BYTE, at, (byte) 0);
    }
  }
}
