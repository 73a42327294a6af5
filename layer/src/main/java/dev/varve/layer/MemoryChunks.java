package dev.varve.layer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Memory outside the heap that is only ever appended to: one thread allocates, any number read.
///
/// An address is `chunk << 32 | offset`, never 0. Chunks grow from 64 KiB to 1 MiB, so that a layer
/// of few versions is small; what does not fit into a fraction of that has a chunk of its own. An
/// allocation is aligned to 8 bytes and lies in one chunk.
///
/// A reader that got an address through an acquiring read of what the writer released after writing
/// there sees the chunk, too: chunks are added before their addresses are known.
final class MemoryChunks {

  private static final int SMALLEST = 1 << 16;
  private static final int LARGEST = 1 << 20;
  private static final int OWN_CHUNK = LARGEST / 4;
  private static final int ALIGNMENT = Long.BYTES;

  private final Arena arena = Arena.ofShared();
  private final MemoryBudget budget;
  private @Nullable MemorySegment[] chunks = new MemorySegment[16];
  private @Nullable MemorySegment[] views = new MemorySegment[16];
  private int current; // chunk numbers begin at 1, so that no address is 0
  private int last;
  private long position;
  private long end;
  private long reserved;

  MemoryChunks(MemoryBudget budget) {
    this.budget = budget;
  }

  /// @return the address of `size` bytes that nobody has written to
  long allocate(long size) {
    long aligned = align(size);
    if (aligned > end - position) {
      if (aligned > OWN_CHUNK) {
        return (long) addChunk(aligned) << 32;
      }
      long next = Math.clamp(reserved, SMALLEST, LARGEST);
      end = Math.max(next, aligned);
      current = addChunk(end);
      position = 0;
    }
    long at = position;
    position += aligned;
    return (long) current << 32 | at;
  }

  /// Takes back the end of the last allocation, of which less was needed. One that has a chunk of
  /// its own keeps it.
  ///
  /// @param size what it was made for
  /// @param needed not more
  void trim(long address, long size, long needed) {
    boolean last = address >>> 32 == current && offset(address) + align(size) == position;
    if (last) {
      position -= align(size) - align(needed);
    }
  }

  private static long align(long size) {
    return (size + ALIGNMENT - 1) & -ALIGNMENT;
  }

  private int addChunk(long size) {
    budget.overdraw(size);
    MemorySegment chunk;
    try {
      chunk = arena.allocate(size, ALIGNMENT);
    } catch (OutOfMemoryError e) {
      budget.release(size);
      throw e;
    }
    if (last + 1 == chunks.length) {
      views = Arrays.copyOf(views, 2 * views.length);
      chunks = Arrays.copyOf(chunks, 2 * chunks.length); // readers may go on with the old one
    }
    reserved += size;
    last++;
    views[last] = chunk.asReadOnly();
    chunks[last] = chunk;
    return last;
  }

  /// The chunk that holds `address`, for use with {@link #offset}.
  MemorySegment chunk(long address) {
    return Objects.requireNonNull(chunks[(int) (address >>> 32)]);
  }

  /// The same, to be read only: for handing out.
  MemorySegment view(long address) {
    return Objects.requireNonNull(views[(int) (address >>> 32)]);
  }

  /// Where `address` is within its {@link #chunk}.
  static long offset(long address) {
    return address & 0xFFFF_FFFFL;
  }

  /// What is taken from the budget, in bytes. For the thread that allocates.
  long reserved() {
    return reserved;
  }

  /// Gives all memory back. Nobody may be reading; whoever does nevertheless gets an
  /// IllegalStateException, never foreign memory.
  void free() {
    arena.close();
    budget.release(reserved);
  }
}
