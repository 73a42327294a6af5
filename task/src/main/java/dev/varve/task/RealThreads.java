package dev.varve.task;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// The threads of a running server: virtual ones for what waits, a bounded pool for what computes,
/// one each for long streams and short steps, one for timers.
public final class RealThreads implements TaskThreads {

  private final InstantSource clock;
  private final ExecutorService waiting = Executors.newVirtualThreadPerTaskExecutor();
  private final ExecutorService computing;
  private final ExecutorService dedicated =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("dedicated-", 0).factory());
  private final ScheduledThreadPoolExecutor timer;

  /// @param computingThreads how many tasks that compute run at once
  public RealThreads(InstantSource clock, int computingThreads) {
    this.clock = clock;
    computing =
        Executors.newFixedThreadPool(
            computingThreads, Thread.ofPlatform().daemon().name("computing-", 0).factory());
    timer =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("task-timer").factory());
    timer.setRemoveOnCancelPolicy(true);
  }

  @Override
  public InstantSource clock() {
    return clock;
  }

  @Override
  public void execute(TaskKind.Threads where, String name, Runnable step) {
    switch (where) {
      case WAITING -> waiting.execute(() -> named(name, step));
      case COMPUTING -> computing.execute(() -> named(name, step));
      case DEDICATED -> dedicated.execute(() -> named(name, step));
    }
  }

  private static void named(String name, Runnable step) {
    Thread thread = Thread.currentThread();
    String before = thread.getName();
    thread.setName(name);
    try {
      step.run();
    } finally {
      thread.setName(before);
    }
  }

  @Override
  public Runnable schedule(Duration delay, Runnable step) {
    ScheduledFuture<?> future = timer.schedule(step, delay.toNanos(), TimeUnit.NANOSECONDS);
    return () -> future.cancel(false);
  }

  @Override
  public boolean await(CompletableFuture<?> condition, Duration timeout)
      throws InterruptedException {
    try {
      condition.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (ExecutionException | CancellationException e) {
      return true;
    } catch (TimeoutException e) {
      return condition.isDone();
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    waiting.shutdownNow();
    computing.shutdownNow();
    dedicated.shutdownNow();
    waiting.close();
    computing.close();
    dedicated.close();
  }
}
