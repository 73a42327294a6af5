package dev.varve.task;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;

/// No threads at all: steps wait here until the owner runs them, one by one, in an order that the
/// given randomness decides; time passes only when nothing else is left to do. For simulations: the
/// same seed gives the same run.
///
/// Of one thread. A step that {@linkplain #await waits} lets other steps run meanwhile, below it on
/// the same stack.
public final class SteppedThreads implements TaskThreads {

  private record Timer(Instant due, long order, Runnable step) {}

  private final RandomGenerator random;
  private final List<Runnable> ready = new ArrayList<>();
  private final PriorityQueue<Timer> timers =
      new PriorityQueue<>(Comparator.comparing(Timer::due).thenComparingLong(Timer::order));

  /// Pauses within pauses; no deeper than this, for the sake of the stack.
  private static final int MOST_PAUSES = 3;

  private int pauses;
  private Instant now;
  private long order;

  public SteppedThreads(RandomGenerator random, Instant start) {
    this.random = random;
    now = start;
  }

  @Override
  public InstantSource clock() {
    return () -> now;
  }

  @Override
  public void execute(TaskKind.Threads where, String name, Runnable step) {
    ready.add(step);
  }

  @Override
  public Runnable schedule(Duration delay, Runnable step) {
    var timer = new Timer(now.plus(delay), order++, step);
    timers.add(timer);
    return () -> timers.remove(timer);
  }

  /// Runs one step that is ready.
  ///
  /// @return false when there was none
  public boolean step() {
    if (ready.isEmpty()) {
      return false;
    }
    ready.remove(random.nextInt(ready.size())).run();
    return true;
  }

  /// Runs all steps that are ready, and those that they make ready. Time stands still.
  public void settle() {
    while (step()) {}
  }

  /// Lets time pass: runs what falls due, and all that follows from it.
  public void pass(Duration duration) {
    Instant end = now.plus(duration);
    settle();
    while (fireTimer(end)) {
      settle();
    }
    advance(end);
  }

  /// A step that waited meanwhile may have come further.
  private void advance(Instant to) {
    if (to.isAfter(now)) {
      now = to;
    }
  }

  private boolean fireTimer(Instant latest) {
    Timer next = timers.peek();
    if (next == null || next.due().isAfter(latest)) {
      return false;
    }
    timers.remove();
    advance(next.due());
    next.step().run();
    return true;
  }

  @Override
  public void pause() {
    if (pauses >= MOST_PAUSES) {
      return;
    }
    pauses++;
    try {
      for (int i = random.nextInt(4); i > 0 && step(); i--) {}
    } finally {
      pauses--;
    }
  }

  @Override
  public boolean await(CompletableFuture<?> condition, Duration timeout) {
    Instant end = now.plus(timeout);
    while (!condition.isDone()) {
      if (!step() && !fireTimer(end)) {
        advance(end);
        return condition.isDone();
      }
    }
    return true;
  }

  @Override
  public void close() {
    ready.clear();
    timers.clear();
  }
}
