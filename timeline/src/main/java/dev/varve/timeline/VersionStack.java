package dev.varve.timeline;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Copies of versions of one key, the newest first, in memory that is reused. Of one thread at a
/// time.
///
/// Layers give versions newest first, so that they are mostly in order as they come; where layers
/// overlap, {@link #order} puts them in order.
final class VersionStack {

  private static final int FIRST_SIZE = 64 << 10;
  private static final int FIRST_COUNT = 256;

  /// More than this is not kept for the next use.
  private static final int KEPT_SIZE = 1 << 20;

  /// What all versions of one key may take together while one page is made.
  private static final long MOST_BYTES = 256L << 20;

  private static final int FLAG_BITS = 2;
  private static final long IMAGE = 1;
  private static final long INITIALIZES = 2;

  private MemorySegment buffer = Arena.ofAuto().allocate(FIRST_SIZE);
  private long used;
  private int count;
  private long[] lsns = new long[FIRST_COUNT];

  /// Where the bytes are in the buffer, and below that the flags.
  private long[] places = new long[FIRST_COUNT];

  private int[] lengths = new int[FIRST_COUNT];
  private boolean ordered = true;

  void clear() {
    used = 0;
    count = 0;
    ordered = true;
    if (buffer.byteSize() > KEPT_SIZE) {
      buffer = Arena.ofAuto().allocate(FIRST_SIZE);
      lsns = new long[FIRST_COUNT];
      places = new long[FIRST_COUNT];
      lengths = new int[FIRST_COUNT];
    }
  }

  int count() {
    return count;
  }

  long lsn(int index) {
    return lsns[index];
  }

  MemorySegment bytes(int index) {
    return buffer.asSlice(places[index] >>> FLAG_BITS, lengths[index]);
  }

  boolean isImage(int index) {
    return (places[index] & IMAGE) != 0;
  }

  boolean initializes(int index) {
    return (places[index] & INITIALIZES) != 0;
  }

  void push(long lsn, boolean image, boolean initializes, MemorySegment bytes) {
    long size = bytes.byteSize();
    if (used + size > buffer.byteSize()) {
      growBuffer(used + size);
    }
    if (count == lsns.length) {
      lsns = Arrays.copyOf(lsns, count * 2);
      places = Arrays.copyOf(places, count * 2);
      lengths = Arrays.copyOf(lengths, count * 2);
    }
    MemorySegment.copy(bytes, 0, buffer, used, size);
    if (count > 0 && Long.compareUnsigned(lsn, lsns[count - 1]) >= 0) {
      ordered = false;
    }
    lsns[count] = lsn;
    places[count] = used << FLAG_BITS | (image ? IMAGE : 0) | (initializes ? INITIALIZES : 0);
    lengths[count] = (int) size;
    count++;
    used += size;
  }

  private void growBuffer(long needed) {
    if (needed > MOST_BYTES) {
      throw new PageserverException.Unavailable(
          "one page needs more than "
              + (MOST_BYTES >> 20)
              + " MiB of changes, down to "
              + Lsn.format(lsns[count - 1]));
    }
    MemorySegment larger =
        Arena.ofAuto().allocate(Math.min(MOST_BYTES, Math.max(needed, 2 * buffer.byteSize())));
    MemorySegment.copy(buffer, 0, larger, 0, used);
    buffer = larger;
  }

  /// Puts the versions in order, newest first; of two with one LSN the one that came first stays.
  void order() {
    if (ordered) {
      return;
    }
    for (int i = 1; i < count; i++) {
      long lsn = lsns[i];
      long place = places[i];
      int length = lengths[i];
      int j = i;
      for (; j > 0 && Long.compareUnsigned(lsns[j - 1], lsn) < 0; j--) {
        move(j - 1, j);
      }
      lsns[j] = lsn;
      places[j] = place;
      lengths[j] = length;
    }
    int kept = 0;
    for (int i = 0; i < count; i++) {
      if (i == 0 || lsns[i] != lsns[kept - 1]) {
        move(i, kept++);
      }
    }
    count = kept;
    ordered = true;
  }

  private void move(int from, int to) {
    lsns[to] = lsns[from];
    places[to] = places[from];
    lengths[to] = lengths[from];
  }

  /// Forgets the oldest versions, those before `lsn`. They are in order.
  void dropBefore(long lsn) {
    while (count > 0 && Long.compareUnsigned(lsns[count - 1], lsn) < 0) {
      count--;
    }
  }
}
