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

/// Puts layer files into the object store, several at a time. The first failure ends it, when those
/// that are under way have ended as well.
final class LayerUploads {

  /// Of one timeline at once; the store's own limit is for all together.
  private static final int PARALLEL = 4;

  /// Puts one of them.
  interface Put {
    void put(HistoricLayer layer) throws IOException, InterruptedException;
  }

  private final TaskManager tasks;
  private final String name;
  private final Put put;
  private final Queue<HistoricLayer> left;
  private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

  /// @param name of the tasks that do it
  LayerUploads(TaskManager tasks, String name, Put put, Collection<HistoricLayer> layers) {
    this.tasks = tasks;
    this.name = name;
    this.put = put;
    left = new ConcurrentLinkedQueue<>(layers);
  }

  /// @throws IOException when one can't be put
  void run() throws IOException, InterruptedException {
    int helpers = Math.min(PARALLEL, left.size()) - 1;
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
    HistoricLayer next = left.poll();
    while (next != null && failure.get() == null) {
      try {
        put.put(next);
      } catch (IOException | RuntimeException e) {
        failure.compareAndSet(null, e);
      }
      next = left.poll();
    }
  }
}
