package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.task.TaskKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/// Makes timelines and deletes them.
///
/// A branch is made in its ancestor's lane, where the ancestor would also be deleted: so a timeline
/// that has a branch stays. Names and ids are reserved before anything is written.
final class Branching {

  private static final System.Logger LOG = System.getLogger(Branching.class.getName());

  private final TenantFiles files;
  private final Map<TimelineKey, Timeline> timelines;
  private final BackPressure backPressure;
  private final Shared shared;
  private final Set<Object> reserved = ConcurrentHashMap.newKeySet();

  Branching(
      TenantFiles files,
      Map<TimelineKey, Timeline> timelines,
      BackPressure backPressure,
      Shared shared) {
    this.files = files;
    this.timelines = timelines;
    this.backPressure = backPressure;
    this.shared = shared;
  }

  Timeline createRoot(TimelineIdentity identity) {
    var index = new IndexPart(identity.start(), Lsn.MAX, false, List.of());
    return inLane(
        "create " + identity.name(),
        TimelineKey.of(identity).toString(),
        () -> create(identity, index, null));
  }

  Timeline branch(Timeline ancestor, TimelineId id, String name, Lsn at) {
    var identity =
        new TimelineIdentity(
            ancestor.tenant(),
            id,
            name,
            ancestor.pgVersion(),
            Optional.of(ancestor.id()),
            at,
            shared.tasks().clock().instant(),
            ancestor.identity().properties());
    return inLane(
        "branch " + name,
        ancestor.index().lane(),
        () -> {
          requireBranchPoint(ancestor, at);
          // Before its branch point a timeline is as readable as its ancestor.
          var index = new IndexPart(at, Lsn.min(at, ancestor.readableFrom()), true, List.of());
          return create(identity, index, ancestor);
        });
  }

  static void requireBranchPoint(Timeline ancestor, Lsn at) {
    ancestor.condition().requireUsable();
    if (!ancestor.index().part().imported()) {
      throw new PageserverException.Conflict(
          "timeline \"" + ancestor.name() + "\" can't be branched before its import has ended");
    }
    if (at.isAfter(ancestor.lastRecordLsn())) {
      throw new PageserverException.InvalidRequest(
          "%s is in the future of timeline \"%s\", which is at %s"
              .formatted(at, ancestor.name(), ancestor.lastRecordLsn()));
    }
    if (!ancestor.isReadable(at)) {
      throw ancestor.garbage().tooOld(at);
    }
  }

  private Timeline create(TimelineIdentity identity, IndexPart index, @Nullable Timeline ancestor)
      throws IOException {
    TimelineKey key = TimelineKey.of(identity);
    if (!reserved.add(identity.name())) {
      throw nameInUse(identity);
    }
    try {
      if (!reserved.add(key)) {
        throw idInUse(identity);
      }
      try {
        requireUnused(identity);
        if (ancestor != null) {
          retain(ancestor, key, identity.start());
        }
        files.create(identity, index);
        Timeline timeline =
            Loading.assemble(
                files.timeline(key.tenant(), key.id()),
                identity,
                index,
                ancestor,
                null,
                backPressure,
                shared);
        timelines.put(key, timeline);
        return timeline;
      } finally {
        reserved.remove(key);
      }
    } finally {
      reserved.remove(identity.name());
    }
  }

  /// Keeps the branch point, unless the GC cutoff was faster. It is kept even if the branch then
  /// can't be written: nobody knows what of it is on disk.
  private static void retain(Timeline ancestor, TimelineKey branch, Lsn at) {
    ancestor.retain(branch, at);
    if (!ancestor.isReadable(at)) {
      ancestor.forget(branch);
      throw ancestor.garbage().tooOld(at);
    }
  }

  private void requireUnused(TimelineIdentity identity) {
    if (timelines.containsKey(TimelineKey.of(identity))) {
      throw idInUse(identity);
    }
    for (Timeline timeline : timelines.values()) {
      if (timeline.name().equals(identity.name())) {
        throw nameInUse(identity);
      }
    }
  }

  private static PageserverException nameInUse(TimelineIdentity identity) {
    return new PageserverException.Conflict(
        "there is a timeline \"" + identity.name() + "\" already; choose another name");
  }

  private static PageserverException idInUse(TimelineIdentity identity) {
    return new PageserverException.Conflict(
        "there is a timeline " + identity.id() + " already; choose another id");
  }

  void delete(Timeline timeline) {
    Path aside =
        inLane(
            "delete " + timeline.name(),
            timeline.index().lane(),
            () -> {
              requireNoBranches(timeline);
              return setAside(timeline);
            });
    TimelineKey key = TimelineKey.of(timeline.identity());
    timelines.remove(key, timeline);
    Timeline ancestor = timeline.ancestorTimeline();
    if (ancestor != null) {
      ancestor.forget(key);
    }
    try {
      timeline.close();
      TenantFiles.deleteTree(aside);
      TenantFiles.deleteIfLast(aside);
    } catch (IOException e) {
      LOG.log(WARNING, "left for the next start to delete: " + aside, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Path setAside(Timeline timeline) throws IOException {
    if (timeline.condition().isEnding()) {
      throw new PageserverException.Conflict(
          "timeline \"" + timeline.name() + "\" is being deleted already");
    }
    timeline.condition().setDeleting(true);
    try {
      return files.setAside(timeline.index().files());
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
            .map(Timeline::name)
            .sorted()
            .toList();
    if (!branches.isEmpty()) {
      throw new PageserverException.Conflict(
          "timeline \"%s\" can't be deleted before its branches: %s"
              .formatted(timeline.name(), String.join(", ", branches)));
    }
  }

  private <T> T inLane(String step, String lane, Callable<T> body) {
    try {
      return shared.tasks().call(TaskKind.STRUCTURE, step, lane, body);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case PageserverException cause -> throw cause;
        case IOException cause ->
            throw new PageserverException.Unavailable(step + ": " + cause.getMessage(), cause);
        case null, default -> throw new IllegalStateException(step, e.getCause());
      }
    } catch (RejectedExecutionException e) {
      throw new PageserverException.Unavailable(step + ": the server shuts down", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable(step + " was interrupted, and goes on");
    }
  }
}
