package dev.varve.timeline;

import dev.varve.model.PageserverException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/// Waits until everything that a timeline had taken in when it began is durable. For one thread,
/// and one wait.
final class Checkpoint {

  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  private final Timeline timeline;
  private final OpenLayer open;
  private final Shared shared;
  private final long wanted;
  private final long failures;

  Checkpoint(Timeline timeline, OpenLayer open, Shared shared) {
    this.timeline = timeline;
    this.open = open;
    this.shared = shared;
    wanted = timeline.reader().lastRecord().get();
    failures = timeline.condition().failures();
  }

  /// @throws PageserverException.Unavailable when it fails, or at the deadline
  void await(Instant deadline) {
    timeline.requestFreeze();
    while (!isDone()) {
      CompletableFuture<?> progress = shared.progress().next();
      if (!open.isFrozenUpTo(wanted)) {
        timeline.requestFreeze();
      }
      timeline.condition().requireUsable();
      String reason = timeline.condition().failing();
      if (reason != null && timeline.condition().failures() > failures) {
        throw new PageserverException.Unavailable(reason);
      }
      if (shared.tasks().clock().instant().isAfter(deadline)) {
        throw new PageserverException.Unavailable(
            "timeline \"%s\" is durable up to %s only"
                .formatted(timeline.name(), timeline.diskConsistentLsn()));
      }
      try {
        shared.tasks().await(progress, LOOK_AGAIN);
      } catch (InterruptedException e) {
        throw shared.stopped("a checkpoint of timeline \"" + timeline.name() + "\"");
      }
    }
  }

  private boolean isDone() {
    if (!open.isFrozenUpTo(wanted)) {
      return false;
    }
    FrozenLayer oldest = timeline.reader().maps().peek().oldestFrozen();
    boolean waiting =
        oldest != null && Long.compareUnsigned(oldest.layer().lsns().start().value(), wanted) <= 0;
    return !waiting && Long.compareUnsigned(wanted, timeline.diskConsistentLsn().value()) <= 0;
  }
}
