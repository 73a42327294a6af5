package dev.varve.timeline;

import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Does the same for many things, several at a time, while it waits for the object store. The first
/// failure ends it, when those that are under way have ended as well.
final class Parallel<T> {

  /// What is done for each.
  interface Action<T> {
    void run(T one) throws IOException, InterruptedException;
  }

  private final TaskManager tasks;
  private final String name;
  private final Action<T> action;
  private final int most;
  private final Queue<T> left;
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

  /// @param name of the tasks that do it
  /// @param most how many at once
  Parallel(TaskManager tasks, String name, int most, Collection<T> all, Action<T> action) {
    this.tasks = tasks;
    this.name = name;
    this.most = most;
    this.action = action;
    left = new ConcurrentLinkedQueue<>(all);
  }

  /// @throws IOException when it fails for one
  void run() throws IOException, InterruptedException {
    int helpers = Math.min(most, left.size()) - 1;
    List<Task> workers = new ArrayList<>();
    boolean done = false;
    try {
      for (int i = 0; i < helpers; i++) {
        workers.add(tasks.submit(TaskSpec.once(TaskKind.UPLOAD, name, _ -> work())));
      }
      work();
      done = true;
    } finally {
      end(workers, !done);
    }
    switch (failure.get()) {
      case null -> {}
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Exception e -> throw new IllegalStateException(e);
    }
  }

  private void end(List<Task> workers, boolean cancel) throws InterruptedException {
    if (cancel) {
      workers.forEach(Task::cancel);
    }
    for (Task worker : workers) {
      while (!tasks.await(worker.end(), Duration.ofMinutes(1))) {}
    }
  }

  private void work() throws InterruptedException {
    T next = left.poll();
    while (next != null && failure.get() == null) {
      try {
        action.run(next);
      } catch (IOException | RuntimeException e) {
        failure.compareAndSet(null, e);
      }
      next = left.poll();
    }
  }
}
