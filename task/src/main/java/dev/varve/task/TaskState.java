package dev.varve.task;

/// Where a task stands.
public enum TaskState {
  /// Ready to run; waits for its lane or for a thread.
  WAITING,
  RUNNING,
  /// Runs again when its period is over.
  SCHEDULED,
  /// Runs again when it is woken.
  IDLE,
  /// Failed, and runs again after a delay.
  BACKING_OFF,
  /// Ended well.
  DONE,
  /// Ended with a failure.
  FAILED,
  CANCELLED;

  /// Whether the task will not run again.
  public boolean isFinal() {
    return switch (this) {
      case DONE, FAILED, CANCELLED -> true;
      case WAITING, RUNNING, SCHEDULED, IDLE, BACKING_OFF -> false;
    };
  }
}
