package dev.varve.task;

import org.jspecify.annotations.Nullable;

/// What a task's runs came to. Guarded by the manager's lock.
final class TaskHistory {

  private long runs;
  private int failures;
  private @Nullable String lastFailure;

  void began() {
    runs++;
  }

  void endedWell() {
    failures = 0;
  }

  void failed(Throwable failure) {
    failures++;
    lastFailure = describe(failure);
  }

  static String describe(Throwable failure) {
    String message = failure.getMessage();
    String kind = failure.getClass().getSimpleName();
    return message == null ? kind : kind + ": " + message;
  }

  long runs() {
    return runs;
  }

  int failures() {
    return failures;
  }

  @Nullable String lastFailure() {
    return lastFailure;
  }
}
