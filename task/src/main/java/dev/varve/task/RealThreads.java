package dev.varve.task;

import static java.lang.System.Logger.Level.WARNING;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
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
/// a smaller one for long work in the background, one each for long streams and short steps, one
/// for timers.
public final class RealThreads implements TaskThreads {

  private static final System.Logger LOG = System.getLogger(RealThreads.class.getName());

  private static final int BACKGROUND_THREADS = 1;

  private static final Duration END_LIMIT = Duration.ofSeconds(5);

  private final InstantSource clock;
  private final ExecutorService waiting = Executors.newVirtualThreadPerTaskExecutor();
  private final ExecutorService computing;
  private final ExecutorService background =
      Executors.newFixedThreadPool(
          BACKGROUND_THREADS, Thread.ofPlatform().daemon().name("background-", 0).factory());
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
      case BACKGROUND -> background.execute(() -> named(name, step));
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

  /// Threads of their own need no such places.
  @Override
  public void pause() {}

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

  /// Waits for what runs, but not for ever: the threads are daemons.
  @Override
  public void close() {
    timer.shutdownNow();
    var all = List.of(waiting, computing, background, dedicated);
    all.forEach(ExecutorService::shutdownNow);
    try {
      for (ExecutorService threads : all) {
        if (!threads.awaitTermination(END_LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
          LOG.log(WARNING, "threads are still at work: {0}", threads);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
