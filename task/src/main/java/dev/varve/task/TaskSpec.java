package dev.varve.task;

import java.time.Duration;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A task to be.
///
/// @param name for people, such as `flush main`; need not be unique
/// @param lane tasks of one lane run one at a time, in order; null: at any time
/// @param backoff null: a failure is final
/// @param told which failures somebody else logs, so that the task manager does not
public record TaskSpec(
    TaskKind kind,
    String name,
    @Nullable String lane,
    Repeat repeat,
    @Nullable Backoff backoff,
    TaskBody body,
    Predicate<Throwable> told) {

  private TaskSpec(
      TaskKind kind, String name, Repeat repeat, @Nullable Backoff backoff, TaskBody body) {
    this(kind, name, null, repeat, backoff, body, _ -> false);
  }

  /// Runs once; a failure is final.
  public static TaskSpec once(TaskKind kind, String name, TaskBody body) {
    return new TaskSpec(kind, name, new Repeat.Once(), null, body);
  }

  /// Runs again and again; a failure only delays the next run.
  public static TaskSpec every(TaskKind kind, String name, Duration period, TaskBody body) {
    return new TaskSpec(kind, name, new Repeat.Every(period), new Backoff(period, period), body);
  }

  /// Runs when woken; after a failure it runs again by itself.
  public static TaskSpec onDemand(TaskKind kind, String name, Backoff backoff, TaskBody body) {
    return new TaskSpec(kind, name, new Repeat.OnDemand(), backoff, body);
  }

  public TaskSpec inLane(String newLane) {
    return new TaskSpec(kind, name, newLane, repeat, backoff, body, told);
  }

  /// The same, run again after failures.
  public TaskSpec restarting(Backoff newBackoff) {
    return new TaskSpec(kind, name, lane, repeat, newBackoff, body, told);
  }

  /// The same, without a word of failures that somebody else logs.
  public TaskSpec silentOf(Predicate<Throwable> newTold) {
    return new TaskSpec(kind, name, lane, repeat, backoff, body, newTold);
  }
}
