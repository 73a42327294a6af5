package dev.varve.timeline;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.TaskManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// The last record LSN of a timeline, and who waits for it to grow.
///
/// One thread publishes; it takes the lock only when the lowest LSN that somebody waits for is
/// reached, so that nobody is woken record by record. Both fields are volatile: the publisher
/// writes `lsn` and then reads `lowestAwaited`, a waiter writes `lowestAwaited` and then reads
/// `lsn`, so that one of them sees the other.
final class LastRecord {

  private record Waiter(long lsn, CompletableFuture<@Nullable Void> reached) {}

  private static final long NOBODY = -1L;

  private final String timeline;
  private final long first;
  private final Object lock = new Object();
  private final PriorityQueue<Waiter> waiters =
      new PriorityQueue<>(Comparator.comparing((Waiter waiter) -> new Lsn(waiter.lsn)));
  private volatile long lsn;
  private volatile long lowestAwaited = NOBODY;
  private @Nullable String end;

  LastRecord(String timeline, long lsn) {
    this.timeline = timeline;
    this.lsn = lsn;
    first = lsn;
  }

  /// Whether anything has been taken in since the timeline was opened or made.
  boolean hasAdvanced() {
    return lsn != first;
  }

  /// What is up to here has been put before this returns it.
  long get() {
    return lsn;
  }

  void publish(long newLsn) {
    lsn = newLsn;
    if (Long.compareUnsigned(newLsn, lowestAwaited) >= 0) {
      wake(newLsn);
    }
  }

  private void wake(long reached) {
    var ready = new ArrayList<Waiter>();
    synchronized (lock) {
      Waiter first = waiters.peek();
      while (first != null && Long.compareUnsigned(first.lsn, reached) <= 0) {
        ready.add(first);
        waiters.remove();
        first = waiters.peek();
      }
      noteLowest();
    }
    ready.forEach(waiter -> waiter.reached.complete(null));
  }

  private void noteLowest() {
    Waiter first = waiters.peek();
    lowestAwaited = first == null ? NOBODY : first.lsn;
  }

  /// @throws PageserverException.Unavailable at the timeout, when the timeline ends, or when this
  ///   thread is interrupted
  void await(long wanted, Duration timeout, TaskManager tasks) {
    if (Long.compareUnsigned(wanted, lsn) <= 0) {
      return;
    }
    var waiter = new Waiter(wanted, new CompletableFuture<>());
    synchronized (lock) {
      requireGoingOn();
      waiters.add(waiter);
      noteLowest();
    }
    wake(lsn); // it may have been published in between
    try {
      if (!tasks.await(waiter.reached, timeout)) {
        throw late(wanted, " within " + timeout.toMillis() + " ms");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw late(wanted, " before the request was cancelled");
    } finally {
      synchronized (lock) {
        waiters.remove(waiter);
        noteLowest();
      }
    }
    if (Long.compareUnsigned(wanted, lsn) > 0) {
      synchronized (lock) {
        requireGoingOn();
      }
    }
  }

  /// What a read past the last record LSN is told.
  PageserverException.Unavailable late(long wanted, String when) {
    return new PageserverException.Unavailable(
        "timeline \"%s\" has not received WAL up to %s%s; it has it up to %s"
            .formatted(timeline, Lsn.format(wanted), when, Lsn.format(lsn)));
  }

  private void requireGoingOn() {
    if (end != null) {
      throw new PageserverException.Unavailable(end);
    }
  }

  /// After an {@link #end}: more may come again.
  void resume() {
    synchronized (lock) {
      end = null;
    }
  }

  /// No more will come: all who wait, now and later, are told so.
  void end(String reason) {
    List<Waiter> all;
    synchronized (lock) {
      end = reason;
      all = List.copyOf(waiters);
      waiters.clear();
      noteLowest();
    }
    all.forEach(waiter -> waiter.reached.complete(null));
  }
}
