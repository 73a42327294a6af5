package dev.varve.task;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;

/// Threads and time, as the task manager sees them.
public interface TaskThreads extends AutoCloseable {

  InstantSource clock();

  /// Runs `step` soon, on a thread of that sort.
  void execute(TaskKind.Threads where, String name, Runnable step);

  /// Runs `step`, which is short and does not block, when `delay` has passed.
  ///
  /// @return withdraws it, if it has not begun
  Runnable schedule(Duration delay, Runnable step);

  /// A place in long work where other steps may come in between: a simulation runs some.
  void pause();

  /// Waits until `condition` is completed in any way.
  ///
  /// @return whether it was before `timeout` had passed
  boolean await(CompletableFuture<?> condition, Duration timeout) throws InterruptedException;

  /// Ends the threads; nothing of what was handed over begins after this.
  @Override
  void close();
}
