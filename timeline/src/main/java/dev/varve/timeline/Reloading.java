package dev.varve.timeline;

import static java.lang.System.Logger.Level.INFO;

import dev.varve.model.PageserverException;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// Tries timelines that are broken again, by itself and on request. One that can be loaded by now
/// takes the place of the broken one, which had nothing; its branches read through the new one.
final class Reloading {

  private static final System.Logger LOG = System.getLogger(Reloading.class.getName());

  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(5));

  private final TenantFiles files;
  private final Map<TimelineKey, Timeline> timelines;
  private final Branching branching;
  private final BackPressure backPressure;
  private final Shared shared;
  private final Object lock = new Object();
  private final Map<TimelineKey, Task> attempts = new ConcurrentHashMap<>();

  Reloading(
      TenantFiles files,
      Map<TimelineKey, Timeline> timelines,
      Branching branching,
      BackPressure backPressure,
      Shared shared) {
    this.files = files;
    this.timelines = timelines;
    this.branching = branching;
    this.backPressure = backPressure;
    this.shared = shared;
  }

  /// Has a timeline tried again from time to time if it is broken.
  void watch(Timeline timeline) {
    if (timeline.condition().isBroken()) {
      TimelineKey key = TimelineKey.of(timeline.identity());
      attempts.put(
          key,
          shared
              .tasks()
              .submit(
                  TaskSpec.once(
                          TaskKind.HOUSEKEEPING, "load again " + timeline.name(), _ -> attempt(key))
                      .restarting(BACKOFF)));
    }
  }

  private void attempt(TimelineKey key) throws IOException, InterruptedException {
    Timeline timeline = timelines.get(key);
    if (timeline == null || !timeline.condition().isBroken()) {
      return;
    }
    if (reload(key).state() instanceof TimelineState.Broken(String reason)) {
      throw new IOException("timeline \"" + timeline.name() + "\" is broken still: " + reason);
    }
  }

  /// Tries a broken timeline, and looks at the damaged files of one that is not.
  ///
  /// @return the timeline as it is now
  Timeline retry(TimelineKey key) {
    Timeline now;
    try {
      now = reload(key);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable("the request was interrupted, and goes on");
    }
    if (!now.condition().isBroken()) {
      now.upkeep().lookAtDamagedFiles(true);
      Task attempt = attempts.remove(key);
      if (attempt != null) {
        attempt.cancel();
      }
    }
    return now;
  }

  private Timeline reload(TimelineKey key) throws InterruptedException {
    Timeline before = require(key);
    if (!before.condition().isBroken()) {
      return before;
    }
    bringBackAncestor(before);
    var unused = new ArrayList<Timeline>();
    Timeline now =
        shared.inLane(
            "load again " + before.name(), before.index().lane(), () -> loadAgain(key, unused));
    for (Timeline timeline : unused) {
      timeline.close();
    }
    return now;
  }

  private Timeline require(TimelineKey key) {
    Timeline timeline = timelines.get(key);
    if (timeline == null) {
      throw new PageserverException.NotFound("there is no timeline " + key.id() + " any more");
    }
    return timeline;
  }

  /// An ancestor whose whole directory was away may be back; it is made known, as a broken one at
  /// first.
  private void bringBackAncestor(Timeline timeline) throws InterruptedException {
    Optional<TimelineKey> ancestor =
        timeline.ancestor().map(id -> new TimelineKey(timeline.tenant(), id));
    if (ancestor.isPresent()
        && !timelines.containsKey(ancestor.get())
        && files.hasTimeline(ancestor.get())) {
      TimelineKey key = ancestor.get();
      Timeline found =
          Loading.unknown(files.timeline(key.tenant(), key.id()), backPressure, shared);
      if (timelines.putIfAbsent(key, found) == null) {
        watch(found);
        reload(key);
      } else {
        found.close();
      }
    }
  }

  /// In the timeline's lane, where it would also be deleted.
  ///
  /// @param unused gets what is to be closed
  /// @return the timeline as it is now
  private Timeline loadAgain(TimelineKey key, List<Timeline> unused) {
    synchronized (lock) { // nothing waits in here
      Timeline before = require(key);
      if (!before.condition().isBroken() || before.condition().isEnding()) {
        return before;
      }
      Timeline after = new Loading(files, shared, backPressure).again(key, timelines);
      if (after.state() instanceof TimelineState.Broken(String reason)
          && after.identity().equals(before.identity())) {
        before.condition().setBroken(reason);
      } else if (branching.isFree(after.identity())) {
        replace(key, before, after);
        unused.add(before);
        return after;
      } else {
        before
            .condition()
            .setBroken(
                "there is another timeline \"" + after.name() + "\" by now; delete one of them");
      }
      unused.add(after);
      return before;
    }
  }

  private void replace(TimelineKey key, Timeline before, Timeline after) {
    List<Timeline> branches =
        timelines.values().stream()
            .filter(other -> other.identity().isBranchOf(key) && !other.condition().isDeleting())
            .toList();
    before.garbage().needed().forEach(after.garbage()::retain);
    for (Timeline branch : branches) {
      after.garbage().retain(TimelineKey.of(branch.identity()), branch.identity().start());
    }
    timelines.put(key, after);
    branches.forEach(branch -> branch.setAncestor(after));
    if (timelines.values().stream()
        .noneMatch(other -> other.tenant().equals(key.tenant()) && isUnknown(other))) {
      shared.unknown().remove(key.tenant());
    }
    if (!after.condition().isBroken()) {
      LOG.log(INFO, "timeline \"{0}\" can be used again", after.name());
    }
  }

  /// Whether it is not known what this timeline needs of others.
  static boolean isUnknown(Timeline timeline) {
    return timeline.pgVersion() == 0
        || (timeline.ancestor().isPresent() && timeline.ancestorTimeline() == null);
  }
}
