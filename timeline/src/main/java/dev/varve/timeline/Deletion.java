package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskBody;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;

/// Deletes timelines: first, durably, from what counts; then their files. When these can't be
/// deleted, a task tries again, and the timeline is {@linkplain TimelineState.Deleting there} until
/// it has worked. A restart goes on with it.
final class Deletion {

  private static final System.Logger LOG = System.getLogger(Deletion.class.getName());

  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(5));

  private final TenantFiles files;
  private final Map<TimelineKey, Timeline> timelines;
  private final Shared shared;
  private final Object lock = new Object();
  private TimelineCounts gone = TimelineCounts.NONE;
  private final Set<Task> tasks = ConcurrentHashMap.newKeySet();

  Deletion(TenantFiles files, Map<TimelineKey, Timeline> timelines, Shared shared) {
    this.files = files;
    this.timelines = timelines;
    this.shared = shared;
  }

  void delete(Timeline timeline) {
    Path aside =
        shared.inLane(
            "delete " + timeline.name(),
            timeline.index().lane(),
            () -> {
              requireNoBranches(timeline);
              return setAside(timeline);
            });
    try {
      finish(timeline, aside);
    } catch (IOException e) {
      LOG.log(WARNING, "not deleted yet, which is tried again: " + aside, e);
      later("delete " + timeline.name(), _ -> finish(timeline, aside));
    } catch (InterruptedException e) {
      later("delete " + timeline.name(), _ -> finish(timeline, aside));
      Thread.currentThread().interrupt();
    }
  }

  private void finish(Timeline timeline, Path aside) throws IOException, InterruptedException {
    timeline.close();
    // Not before: a read that goes on needs the branch point.
    Timeline ancestor = timeline.ancestorTimeline();
    if (ancestor != null) {
      ancestor.garbage().forget(TimelineKey.of(timeline.identity()));
    }
    deleteFiles(aside);
    synchronized (lock) {
      if (timelines.remove(TimelineKey.of(timeline.identity()), timeline)) {
        gone = gone.plus(timeline.metrics().counts());
      }
    }
  }

  /// Timelines are closed, and count no more.
  void forget(Collection<Timeline> closed) {
    synchronized (lock) {
      for (Timeline timeline : closed) {
        if (timelines.remove(TimelineKey.of(timeline.identity()), timeline)) {
          gone = gone.plus(timeline.metrics().counts());
        }
      }
    }
  }

  /// Deletes the directory of a tenant that was {@linkplain TenantFiles#setAside(TenantId) set
  /// aside}; when that fails, later.
  void deleteTenant(Path aside) {
    try {
      TenantFiles.deleteTree(aside);
    } catch (IOException e) {
      LOG.log(WARNING, "not deleted yet, which is tried again: " + aside, e);
      later("delete what is left of " + aside.getFileName(), _ -> TenantFiles.deleteTree(aside));
    }
  }

  /// What all timelines have done, also those that are gone.
  TimelineCounts counts() {
    synchronized (lock) {
      TimelineCounts sum = gone;
      for (Timeline timeline : timelines.values()) {
        sum = sum.plus(timeline.metrics().counts());
      }
      return sum;
    }
  }

  /// Deletes what an earlier process did not get deleted.
  void deleteLeftOver(Path aside) {
    later("delete what is left of " + aside.getFileName(), _ -> deleteFiles(aside));
  }

  private void deleteFiles(Path aside) throws IOException {
    files.deleteAside(aside);
    files.deleteIfLast(aside).ifPresent(shared.records()::forget);
    RemoteTenants remote = shared.remote();
    if (remote != null) {
      remote.filesDeleted();
    }
  }

  private void later(String name, TaskBody body) {
    try {
      Task task =
          shared
              .tasks()
              .submit(TaskSpec.once(TaskKind.HOUSEKEEPING, name, body).restarting(BACKOFF));
      tasks.removeIf(old -> old.end().isDone());
      tasks.add(task);
    } catch (RejectedExecutionException e) {
      LOG.log(WARNING, "{0}: left to the next start", name);
    }
  }

  private Path setAside(Timeline timeline) throws IOException {
    if (timeline.condition().isEnding()) {
      throw new PageserverException.Conflict(
          "timeline \"" + timeline.name() + "\" is being deleted already");
    }
    timeline.condition().setDeleting(true);
    try {
      Path aside = files.setAside(timeline.index().files());
      RemoteTenants remote = shared.remote();
      if (remote != null) {
        remote.of(timeline.tenant()).setDeleted(timeline.id());
      }
      return aside;
    } catch (IOException e) {
      timeline.condition().setDeleting(false);
      throw e;
    }
  }

  private void requireNoBranches(Timeline timeline) {
    List<String> branches =
        timelines.values().stream()
            .filter(other -> other.ancestor().equals(Optional.of(timeline.id())))
            .filter(other -> other.tenant().equals(timeline.tenant()))
            .filter(other -> !other.condition().isDeleting())
            .map(Timeline::name)
            .sorted()
            .toList();
    if (!branches.isEmpty()) {
      throw new PageserverException.Conflict(
          "timeline \"%s\" can't be deleted before its branches: %s"
              .formatted(timeline.name(), String.join(", ", branches)));
    }
  }

  /// Ends the tasks; what they did not get done is left to the next start.
  void close() throws InterruptedException {
    tasks.forEach(Task::cancel);
    for (Task task : tasks) {
      shared.tasks().await(task.end(), Duration.ofMinutes(1));
    }
  }
}
