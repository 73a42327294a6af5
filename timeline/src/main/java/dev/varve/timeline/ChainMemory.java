package dev.varve.timeline;

import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/// Memory off the heap for the few pages whose chains of changes are long, shared by all reads and
/// merges, and bounded: a chain takes what it needs, in chunks that are used again. Safe from any
/// thread.
final class ChainMemory {

  /// The size of a chunk, in bytes.
  static final int CHUNK = 1 << 20;

  private final long limit;
  private final ArrayDeque<MemorySegment> free = new ArrayDeque<>();
  private long taken;

  /// @param limit in bytes
  ChainMemory(long limit) {
    this.limit = limit;
  }

  /// A chunk, with any content; to be given back.
  ///
  /// @throws PageserverException.Unavailable when all is in use
  synchronized MemorySegment take() {
    require(CHUNK);
    taken += CHUNK;
    MemorySegment chunk = free.poll();
    return chunk == null ? Arena.ofAuto().allocate(CHUNK) : chunk;
  }

  synchronized void giveBack(MemorySegment chunk) {
    taken -= CHUNK;
    free.push(chunk);
  }

  /// Counts memory that the caller allocates, until it is {@linkplain #release released}; chunks
  /// that nobody uses make room for it.
  ///
  /// @throws PageserverException.Unavailable when there is not so much left
  synchronized void reserve(long bytes) {
    require(bytes);
    taken += bytes;
    while (!free.isEmpty() && (long) free.size() * CHUNK > limit - taken) {
      free.poll();
    }
  }

  private void require(long bytes) {
    if (bytes > limit - taken) {
      throw new PageserverException.Unavailable(
          "the changes of one page do not fit into memory: they need "
              + (bytes >> 10)
              + " KiB more, and "
              + (taken >> 10)
              + " of the "
              + (limit >> 10)
              + " KiB for long chains of changes are in use; try again");
    }
  }

  synchronized void release(long bytes) {
    taken -= bytes;
  }
}
