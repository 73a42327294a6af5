package dev.varve.timeline;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/// Buffers for pages that are read before they are asked for, a bounded number for all of a server.
/// Those that came back are used again. Thread-safe.
final class BatchBuffers {

  private final int most;
  private final AtomicInteger taken = new AtomicInteger();
  private final Queue<byte[]> free = new ConcurrentLinkedQueue<>();

  /// @param bytes that all together may take
  BatchBuffers(long bytes) {
    most = Math.toIntExact(Math.min(bytes / PagesAhead.BATCH_BYTES, Integer.MAX_VALUE));
  }

  /// One for whoever has none and can't go on without; beyond the bound if need be.
  byte[] take() {
    taken.incrementAndGet();
    byte[] buffer = free.poll();
    return buffer == null ? new byte[PagesAhead.BATCH_BYTES] : buffer;
  }

  /// Whether there is one for whoever can do without.
  boolean hasRoom() {
    return taken.get() < most;
  }

  void giveBack(byte[] buffer) {
    if (taken.getAndDecrement() <= most) {
      free.add(buffer);
    }
  }
}
