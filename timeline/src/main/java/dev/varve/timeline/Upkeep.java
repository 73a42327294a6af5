package dev.varve.timeline;

import dev.varve.layer.LayerOwner;
import dev.varve.model.PageserverException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What is done for a timeline now and then: its open layer is flushed before it is too old,
/// damaged files are looked at again, and when nobody has used it for a while it {@linkplain
/// DurableIndex rests}.
final class Upkeep {

  /// Bytes for which a layer of its own can wait,
  private static final long LITTLE = 1 << 20;

  /// for so many times as long.
  private static final int PATIENCE = 6;

  private final Timeline timeline;
  private final OpenLayer open;
  private final Shared shared;
  private volatile Instant lastUse;

  Upkeep(Timeline timeline, OpenLayer open, Shared shared) {
    this.timeline = timeline;
    this.open = open;
    this.shared = shared;
    lastUse = shared.tasks().clock().instant();
  }

  /// To be called from time to time.
  ///
  /// @throws PageserverException.Unavailable when some of it can't be done now
  void run() {
    Duration limit = shared.settings().checkpointTimeout();
    freezeIfOld(isEarly() ? limit.multipliedBy(PATIENCE) : limit);
    restIfIdle();
    lookAtDamagedFiles(false);
    Uploads uploads = timeline.index().uploads();
    if (uploads != null) {
      uploads.wakeIfDue();
    }
  }

  /// To be called as often as the settings say. Where nobody writes, and what was committed when is
  /// on disk only, the cutoff may come a little late.
  ///
  /// @throws PageserverException.Unavailable when the new cutoff can't be made durable
  void collectGarbage() {
    if (isAwake() || timeline.hasWriter() || timeline.garbage().isLookDue()) {
      timeline.collectGarbage();
    }
  }

  /// Whether a flush gains little yet: where there is an object store, the source keeps its WAL
  /// until the upload, and each layer is a request.
  private boolean isEarly() {
    return shared.remote() != null && open.bytes() < LITTLE;
  }

  private void freezeIfOld(Duration limit) {
    boolean behind =
        open.bytes() > 0 || timeline.diskConsistentLsn().isBefore(timeline.lastRecordLsn());
    if (behind && open.age() >= limit.toMillis() && !timeline.condition().isEnding()) {
      timeline.requestFreeze();
    }
  }

  private void restIfIdle() {
    Instant now = shared.tasks().clock().instant();
    if (maps().wasUsed() || timeline.hasWriter()) {
      lastUse = now;
    } else if (!now.isBefore(lastUse.plus(shared.settings().restAfter()))) {
      rest();
    }
  }

  private LayerMaps maps() {
    return timeline.index().maps();
  }

  /// Lets the timeline rest now, unless it is in use.
  void rest() {
    Condition condition = timeline.condition();
    if (isAwake()
        && timeline.index().head().imported()
        && !timeline.hasWriter()
        && !condition.isBroken()
        && !condition.isEnding()) {
      shared.inLane(
          "rest " + timeline.name(), timeline.index().lane(), () -> timeline.index().rest());
    }
  }

  private boolean isAwake() {
    return !maps().peek().isAtRest() && timeline.index().head().layers().count() > 0;
  }

  /// Does something that may need the layers, but is no use that they should be kept for: whichever
  /// was at rest before, of this timeline and those that it reads through, is so after. Otherwise a
  /// look at each of many timelines would have them all in memory.
  void glance(Runnable look) {
    var atRest = new ArrayList<Upkeep>();
    for (Timeline at = timeline; at != null; at = at.ancestorTimeline()) {
      if (!at.upkeep().isAwake()) {
        atRest.add(at.upkeep());
      }
    }
    look.run();
    atRest.forEach(Upkeep::rest);
  }

  /// Looks whether damaged files were put back; those that were not are fetched from the object
  /// store.
  ///
  /// @param all also those that were looked at a short while ago
  /// @throws PageserverException when it is not known which files there are
  void lookAtDamagedFiles(boolean all) {
    DamagedFiles damaged = timeline.condition().damaged();
    if (!timeline.condition().isEnding() && (all || damaged.isLookDue())) {
      glance(() -> {
        LayerMap map = timeline.reader().requireMap();
        try {
          fetchAgain(damaged.lookAgain(map, all));
        } finally {
          map.release();
        }
      });
    }
  }

  private void fetchAgain(List<LayerEntry> damaged) {
    Uploads uploads = timeline.index().uploads();
    Downloads downloads = downloads();
    if (uploads != null && downloads != null) {
      var owner = new LayerOwner(timeline.tenant(), timeline.id());
      damaged.stream()
          .filter(uploads::isSafe)
          .forEach(entry -> downloads.want(entry.stored(owner), Download.Why.DAMAGED));
    }
  }

  /// What fetches whole layers; null: there is no object store.
  @Nullable Downloads downloads() {
    return shared.remote() == null ? null : shared.remote().downloads();
  }
}
