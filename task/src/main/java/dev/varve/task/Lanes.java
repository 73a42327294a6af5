package dev.varve.task;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Which task runs, and which wait, in each lane. A lane exists while a task is in it. Guarded by
/// the manager's lock.
final class Lanes {

  private final Map<String, ArrayDeque<Task>> lanes = new HashMap<>();

  /// @return whether the lane was free, so that the task, now at its head, may run
  boolean enter(String lane, Task task) {
    ArrayDeque<Task> queue = lanes.computeIfAbsent(lane, _ -> new ArrayDeque<>());
    queue.add(task);
    return queue.size() == 1;
  }

  /// Takes out the task at the head.
  ///
  /// @return the next one, which may run now
  @Nullable Task leave(String lane) {
    ArrayDeque<Task> queue = lanes.get(lane);
    if (queue == null) {
      throw new IllegalStateException("nothing is in lane " + lane);
    }
    queue.remove();
    if (queue.isEmpty()) {
      lanes.remove(lane);
    }
    return queue.peek();
  }
}
