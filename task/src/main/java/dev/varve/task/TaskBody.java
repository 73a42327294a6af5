package dev.varve.task;

/// What a task does each time it runs.
@FunctionalInterface
public interface TaskBody {

  /// @param self the task itself, to ask whether it {@linkplain Task#isCancelled() is cancelled}
  /// @throws Exception any failure; the task backs off and runs again, or ends, as its spec says
  void run(Task self) throws Exception;
}
