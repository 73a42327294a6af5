package dev.varve.layer;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/// How many bytes of memory all open and frozen layers of a process may take; safe from any thread.
///
/// Nothing is allocated here: who allocates reserves first. A writer in the middle of a WAL record
/// can't stop, since what it waits for may be the flush of what it has not finished; so {@link
/// #overdraw} never refuses, and between records the writer waits with {@link #awaitRoom} until
/// flushing has made room again. Uncontended calls cost one atomic addition.
public final class MemoryBudget {

  private final long limit;
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong peak = new AtomicLong();
  private final AtomicLong waits = new AtomicLong();
  private final AtomicLong waitedNanos = new AtomicLong();
  private final AtomicLong waiting = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition released = lock.newCondition();

  /// @param limit in bytes
  public MemoryBudget(long limit) {
    if (limit <= 0) {
      throw new IllegalArgumentException("a memory budget is more than 0 bytes: " + limit);
    }
    this.limit = limit;
  }

  /// Takes `bytes` if they fit.
  ///
  /// @return whether they were taken
  public boolean tryReserve(long bytes) {
    requireNotNegative(bytes);
    for (long before = used.get(); fits(before, bytes); before = used.get()) {
      if (used.compareAndSet(before, before + bytes)) {
        notePeak(before + bytes);
        return true;
      }
    }
    return false;
  }

  /// Takes `bytes`, waiting until they fit. More than the limit fits when nothing else is taken.
  public void reserve(long bytes) throws InterruptedException {
    if (tryReserve(bytes)) {
      return;
    }
    waitUntil(() -> tryReserve(bytes), Long.MAX_VALUE);
  }

  /// Takes `bytes` whether they fit or not.
  public void overdraw(long bytes) {
    requireNotNegative(bytes);
    notePeak(used.addAndGet(bytes));
  }

  /// Waits until less than the limit is taken.
  ///
  /// @param nanos to wait at most
  /// @return whether there is room now
  public boolean awaitRoom(long nanos) throws InterruptedException {
    return hasRoom() || waitUntil(this::hasRoom, nanos);
  }

  /// Gives back what was taken.
  public void release(long bytes) {
    requireNotNegative(bytes);
    long left = used.addAndGet(-bytes);
    if (left < 0) {
      throw new IllegalStateException(bytes + " bytes released, of which " + -left + " too many");
    }
    if (waiting.get() > 0) {
      lock.lock();
      try {
        released.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private boolean fits(long before, long bytes) {
    return before == 0 || bytes <= limit - before;
  }

  private boolean waitUntil(BooleanSupplier condition, long nanos) throws InterruptedException {
    long begin = System.nanoTime();
    waits.incrementAndGet();
    lock.lockInterruptibly();
    try {
      waiting.incrementAndGet(); // before the condition is checked, so that no release is missed
      long left = nanos;
      boolean met = condition.getAsBoolean();
      while (!met && left > 0) {
        left = released.awaitNanos(left);
        met = condition.getAsBoolean();
      }
      return met;
    } finally {
      waiting.decrementAndGet();
      lock.unlock();
      waitedNanos.addAndGet(System.nanoTime() - begin);
    }
  }

  private void notePeak(long now) {
    if (now > peak.get()) {
      peak.accumulateAndGet(now, Math::max);
    }
  }

  private static void requireNotNegative(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("negative number of bytes: " + bytes);
    }
  }

  public long limit() {
    return limit;
  }

  /// The bytes taken now; more than the limit after {@link #overdraw}.
  public long used() {
    return used.get();
  }

  public boolean hasRoom() {
    return used.get() < limit;
  }

  /// The most that {@link #used()} has been.
  public long peak() {
    return peak.get();
  }

  /// How often somebody had to wait.
  public long waits() {
    return waits.get();
  }

  /// How long they waited, all together.
  public long waitedNanos() {
    return waitedNanos.get();
  }
}
