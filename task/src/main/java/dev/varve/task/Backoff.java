package dev.varve.task;

import java.time.Duration;

/// How long to wait before a task that failed runs again: doubles with each failure in a row, from
/// `first` up to `longest`.
public record Backoff(Duration first, Duration longest) {

  public Backoff {
    if (!first.isPositive() || longest.compareTo(first) < 0) {
      throw new IllegalArgumentException("no back-off goes from " + first + " to " + longest);
    }
  }

  /// @param failures how often in a row the task has failed, at least 1
  public Duration delay(int failures) {
    Duration delay = first;
    for (int i = 1; i < failures && delay.compareTo(longest) < 0; i++) {
      delay = delay.multipliedBy(2);
    }
    return delay.compareTo(longest) < 0 ? delay : longest;
  }
}
