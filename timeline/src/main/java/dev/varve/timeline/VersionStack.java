package dev.varve.timeline;

import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
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
  private static final int KEPT_COUNT = 1 << 14;

  private static final int FLAG_BITS = 2;
  private static final int OFFSET_BITS = 30;
  private static final long IMAGE = 1;
  private static final long INITIALIZES = 2;

  private final ChainMemory memory;

  /// The first is kept; others are of {@link #memory}, or are one large version each.
  private final ArrayList<MemorySegment> buffers = new ArrayList<>();

  private final ArrayList<Arena> large = new ArrayList<>();
  private MemorySegment buffer = Arena.ofAuto().allocate(FIRST_SIZE);
  private int used;
  private int count;
  private long[] lsns = new long[FIRST_COUNT];

  /// The number of the buffer, where the bytes are in it, and the flags.
  private long[] places = new long[FIRST_COUNT];

  private int[] lengths = new int[FIRST_COUNT];
  private boolean ordered = true;
  private boolean exhausted;

  /// @param memory for what is long
  VersionStack(ChainMemory memory) {
    this.memory = memory;
    buffers.add(buffer);
  }

  void clear() {
    used = 0;
    count = 0;
    ordered = true;
    exhausted = false;
    if (buffers.size() > 1) {
      giveBack();
    }
    if (lsns.length > KEPT_COUNT) {
      lsns = new long[FIRST_COUNT];
      places = new long[FIRST_COUNT];
      lengths = new int[FIRST_COUNT];
    }
  }

  private void giveBack() {
    for (int i = 1; i < buffers.size(); i++) {
      MemorySegment chunk = buffers.get(i);
      if (chunk.byteSize() == ChainMemory.CHUNK) {
        memory.giveBack(chunk);
      } else {
        memory.release(chunk.byteSize());
      }
    }
    large.forEach(Arena::close);
    large.clear();
    buffer = buffers.getFirst();
    buffers.subList(1, buffers.size()).clear();
  }

  int count() {
    return count;
  }

  long lsn(int index) {
    return lsns[index];
  }

  /// What holds the bytes of a version: {@link #length} of them from {@link #offset} on.
  MemorySegment buffer(int index) {
    return buffers.get((int) (places[index] >>> (FLAG_BITS + OFFSET_BITS)));
  }

  long offset(int index) {
    return (places[index] >>> FLAG_BITS) & ((1 << OFFSET_BITS) - 1);
  }

  int length(int index) {
    return lengths[index];
  }

  MemorySegment bytes(int index) {
    return buffer(index).asSlice(offset(index), lengths[index]);
  }

  boolean isImage(int index) {
    return (places[index] & IMAGE) != 0;
  }

  boolean initializes(int index) {
    return (places[index] & INITIALIZES) != 0;
  }

  /// @throws PageserverException.Unavailable when there is no memory for it
  void push(
      long lsn, boolean image, boolean initializes, MemorySegment source, long offset, int length) {
    if (length > buffer.byteSize() - used) {
      addBuffer(length);
    }
    if (count == lsns.length) {
      lsns = Arrays.copyOf(lsns, count * 2);
      places = Arrays.copyOf(places, count * 2);
      lengths = Arrays.copyOf(lengths, count * 2);
    }
    MemorySegment.copy(source, offset, buffer, used, length);
    if (count > 0 && Long.compareUnsigned(lsn, lsns[count - 1]) >= 0) {
      ordered = false;
    }
    lsns[count] = lsn;
    places[count] =
        ((long) (buffers.size() - 1) << OFFSET_BITS | used) << FLAG_BITS
            | (image ? IMAGE : 0)
            | (initializes ? INITIALIZES : 0);
    lengths[count] = length;
    count++;
    used += length;
  }

  private void addBuffer(int length) {
    exhausted = true; // until it is done
    if (length > ChainMemory.CHUNK) {
      memory.reserve(length);
      Arena arena = Arena.ofShared();
      large.add(arena);
      buffer = arena.allocate(length);
    } else {
      buffer = memory.take();
    }
    buffers.add(buffer);
    used = 0;
    exhausted = false;
  }

  /// Whether the last version could not be pushed, for lack of memory.
  boolean isExhausted() {
    return exhausted;
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
