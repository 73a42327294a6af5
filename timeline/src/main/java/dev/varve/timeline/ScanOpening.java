package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.model.KeyRange;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/// Opens the layers of a scan whose files are not here, some at the same time: one after the other,
/// each would keep it waiting for several ranges. Of one thread, but for the tasks that it starts
/// and waits for.
final class ScanOpening {

  private static final int MOST_AT_ONCE = 32;

  /// The last line of defence; a range is given up long before.
  private static final Duration LIMIT = Duration.ofMinutes(10);

  private record Part(FileLayer layer, KeyRange keys, long end) {}

  private final List<Part> parts = new ArrayList<>();
  private final List<ScanSource> opened = new ArrayList<>();
  private int finished;
  private boolean abandoned;
  private @Nullable IOException failure;

  /// @param end versions from here on do not count
  void add(FileLayer layer, KeyRange keys, long end) {
    parts.add(new Part(layer, keys, end));
  }

  /// @param sources where those go that have anything; all of them, unless it fails
  void open(String timeline, TaskManager tasks, Collection<ScanSource> sources) throws IOException {
    for (int from = 0; from < parts.size(); from += MOST_AT_ONCE) {
      int to = Math.min(parts.size(), from + MOST_AT_ONCE);
      if (to - from == 1) {
        open(parts.get(from));
      } else {
        open(parts.subList(from, to), timeline, tasks);
      }
    }
    synchronized (this) {
      abandoned = true; // by those that come late
      if (failure == null && finished == parts.size()) {
        sources.addAll(opened);
        return;
      }
      opened.forEach(ScanSource::close);
      throw failure == null ? new IOException("not all layers could be opened") : failure;
    }
  }

  private void open(List<Part> some, String timeline, TaskManager tasks)
      throws ClosedByInterruptException {
    var started = new ArrayList<Task>();
    for (Part part : some) {
      try {
        started.add(
            tasks.submit(TaskSpec.once(TaskKind.SERVICE, "scan of " + timeline, _ -> open(part))));
      } catch (RejectedExecutionException _) {
        open(part); // The server shuts down, and nobody else does it.
      }
    }
    var ends = started.stream().map(Task::end).toArray(CompletableFuture<?>[]::new);
    try {
      tasks.await(CompletableFuture.allOf(ends), LIMIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      closeAll();
      throw new ClosedByInterruptException();
    } finally {
      started.forEach(Task::cancel); // those that are still at it
    }
  }

  private synchronized void closeAll() {
    abandoned = true;
    opened.forEach(ScanSource::close);
  }

  private void open(Part part) {
    try {
      var source = new ScanSource(part.layer.cursor(part.keys), part.end);
      boolean any = false;
      try {
        any = source.next();
      } finally {
        if (!any) {
          source.close();
        }
      }
      take(any ? source : null);
    } catch (IOException e) {
      fail(e);
    }
  }

  private synchronized void take(@Nullable ScanSource source) {
    finished++;
    if (source != null && abandoned) {
      source.close();
    } else if (source != null) {
      opened.add(source);
    }
  }

  private synchronized void fail(IOException why) {
    if (failure == null) {
      failure = why;
    }
  }
}
