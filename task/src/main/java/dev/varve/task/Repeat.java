package dev.varve.task;

import java.time.Duration;

/// When a task runs.
public sealed interface Repeat {

  /// As soon as it can, once.
  record Once() implements Repeat {}

  /// First when `period` has passed, then again a period after each end.
  record Every(Duration period) implements Repeat {
    public Every {
      if (!period.isPositive()) {
        throw new IllegalArgumentException("a period is more than nothing: " + period);
      }
    }
  }

  /// Each time it is woken; wakes that come while it runs make it run once more.
  record OnDemand() implements Repeat {}
}
