package dev.varve.timeline;

import static dev.varve.timeline.Condition.Service.RUNNING;
import static dev.varve.timeline.Condition.Service.STOPPED;
import static dev.varve.timeline.Condition.Service.STOPPING;

import dev.varve.model.PageserverException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;

/// Stops timelines without deleting them, and lets them go on. A stopped timeline has no writer, no
/// readers but its branches', and nothing in memory only: the next start finds it as it is.
///
/// From the first moment of a stop on, new reads and records are refused. A record that is half in
/// may still be completed; then all is made durable, and last, durably, that the timeline is
/// stopped. When any of this fails, it goes on as before.
final class Stopping {

  /// How long a writer may take for the record that it is in.
  private static final Duration WRITER_LIMIT = Duration.ofSeconds(10);

  private static final Duration LIMIT = Duration.ofMinutes(1);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  private final Shared shared;

  Stopping(Shared shared) {
    this.shared = shared;
  }

  void stop(Timeline timeline) {
    Condition condition = timeline.condition();
    condition.requireUsable();
    if (!timeline.index().head().imported()) {
      throw new PageserverException.Conflict(
          "timeline \"" + timeline.name() + "\" can't be stopped before its import has ended");
    }
    if (condition.service() == STOPPED) {
      return;
    }
    if (!condition.setService(RUNNING, STOPPING)) {
      throw new PageserverException.Conflict(
          "timeline \"" + timeline.name() + "\" is being stopped or started already");
    }
    boolean done = false;
    try {
      timeline.reader().lastRecord().end(condition.stopped());
      shared.progress().fire();
      awaitWriter(timeline);
      timeline.checkpoint(shared.tasks().clock().instant().plus(LIMIT));
      done = note(timeline, true);
    } finally {
      if (!done) {
        timeline.reader().lastRecord().resume();
      }
      condition.setService(STOPPING, done ? STOPPED : RUNNING);
    }
    Uploads uploads = timeline.index().uploads();
    if (uploads != null) {
      uploads.ask();
    }
  }

  private void awaitWriter(Timeline timeline) {
    Instant limit = shared.tasks().clock().instant().plus(WRITER_LIMIT);
    try {
      while (timeline.hasWriter() && shared.tasks().clock().instant().isBefore(limit)) {
        shared.tasks().await(new CompletableFuture<>(), LOOK_AGAIN);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable(
          "to stop timeline \"" + timeline.name() + "\" was interrupted");
    }
  }

  private boolean note(Timeline timeline, boolean stopped) {
    return shared.inLane(
        (stopped ? "stop " : "start ") + timeline.name(),
        timeline.index().lane(),
        () -> {
          timeline.condition().requireUsable();
          timeline.index().files().setStopped(stopped);
          return true;
        });
  }

  void start(Timeline timeline) {
    Condition condition = timeline.condition();
    condition.requireUsable();
    if (condition.service() == RUNNING) {
      note(timeline, false); // what a stop that failed may have left
      return;
    }
    if (!condition.setService(STOPPED, STOPPING)) {
      throw new PageserverException.Conflict(
          "timeline \"" + timeline.name() + "\" is being stopped or started already");
    }
    boolean done = false;
    try {
      done = note(timeline, false);
      timeline.reader().lastRecord().resume();
    } finally {
      condition.setService(STOPPING, done ? RUNNING : STOPPED);
    }
    timeline.compaction().wake();
  }
}
