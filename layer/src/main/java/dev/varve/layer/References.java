package dev.varve.layer;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/// Counts who still uses something, and frees it after the last of them; safe from any thread.
final class References {

  private final AtomicInteger count = new AtomicInteger(1);
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Runnable free;

  /// Starts with the owner's reference.
  ///
  /// @param free runs once, on the thread that gives back the last reference
  References(Runnable free) {
    this.free = free;
  }

  boolean acquire() {
    for (int held = count.get(); held > 0; held = count.get()) {
      if (count.compareAndSet(held, held + 1)) {
        return true;
      }
    }
    return false;
  }

  void release() {
    int left = count.decrementAndGet();
    if (left < 0) {
      throw new IllegalStateException("released more often than acquired");
    }
    if (left == 0) {
      free.run();
    }
  }

  boolean isFree() {
    return count.get() <= 0;
  }

  /// Gives back the owner's reference, once.
  void close() {
    if (closed.compareAndSet(false, true)) {
      release();
    }
  }
}
