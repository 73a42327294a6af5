package dev.varve.timeline;

import dev.varve.model.PageserverException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;

/// Keeps open and frozen layers within their memory. A writer that has filled its layer freezes it,
/// and waits while too many frozen ones of its timeline are not on disk yet. When the memory that
/// all timelines share is short, the largest open layers are frozen, whoever's they are, and
/// writers wait until flushes have made room. {@link Slowing} sees to it that it seldom comes to
/// that.
///
/// A writer waits between records only, so that its layer can be frozen meanwhile; and only while
/// something is being flushed, so that it never waits for nothing.
final class BackPressure {

  /// How much of the budget may be in use before large layers are frozen.
  private static final double HIGH = 0.75;

  /// How much of the budget is then to be frozen.
  private static final double TO_FREE = 0.25;

  /// What an open layer takes at least, in bytes.
  private static final long SMALLEST_LAYER = 64 << 10;

  /// While there is still room, large layers are looked for no more often than this.
  private static final long RELIEF_MILLIS = 20;

  /// Room can also come from readers that let go of what they had; nobody says when.
  private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

  private final Shared shared;
  private final Collection<Timeline> timelines;
  private final long high;
  private final AtomicLong lastRelief = new AtomicLong();

  /// @param timelines all of the server; a view that changes
  BackPressure(Shared shared, Collection<Timeline> timelines) {
    this.shared = shared;
    this.timelines = timelines;
    high = (long) (shared.budget().limit() * HIGH);
  }

  /// Whether a writer has to {@link #apply} after this record. Hot.
  boolean isDue(OpenLayer open) {
    return open.bytes() >= shared.settings().checkpointDistance()
        || open.isFreezeWanted()
        || shared.budget().used() >= high;
  }

  /// Freezes what has to be frozen, and waits as long as it must.
  ///
  /// @throws PageserverException.Unavailable when interrupted, or when the timeline goes
  void apply(Timeline timeline, OpenLayer open) {
    boolean full = open.bytes() >= shared.settings().checkpointDistance() || open.isFreezeWanted();
    while (full) {
      CompletableFuture<?> progress = shared.progress().next();
      if (timeline.reader().maps().peek().frozen().size() < shared.settings().frozenLayers()) {
        open.freezeBetweenRecords();
        timeline.flush().wake();
        full = false;
      } else {
        await(timeline, progress);
      }
    }
    if (shared.budget().used() >= high) {
      ease();
      awaitRoom(timeline);
    }
  }

  /// Freezes the largest open layers if memory is short, without waiting.
  void ease() {
    if (shared.budget().used() < high) {
      return;
    }
    long now = shared.tasks().clock().millis();
    long before = lastRelief.get();
    if (now - before >= RELIEF_MILLIS && lastRelief.compareAndSet(before, now)) {
      relieve();
    }
  }

  private void awaitRoom(Timeline timeline) {
    while (!shared.budget().hasRoom()) {
      CompletableFuture<?> progress = shared.progress().next();
      if (!shared.budget().hasRoom() && !relieve()) {
        return;
      }
      await(timeline, progress);
    }
  }

  private void await(Timeline timeline, CompletableFuture<?> progress) {
    Instant begin = shared.tasks().clock().instant();
    try {
      shared.tasks().await(progress, LOOK_AGAIN);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable(
          "the writer of timeline \"" + timeline.name() + "\" was stopped while it waited");
    } finally {
      Duration waited = Duration.between(begin, shared.tasks().clock().instant());
      timeline.metrics().stoppedTimes.increment();
      timeline.metrics().stoppedNanos.add(Math.max(0, waited.toNanos()));
    }
    timeline.condition().requireRunning();
  }

  /// Freezes the largest open layers until enough is on its way to disk.
  ///
  /// @return whether anything is
  boolean relieve() {
    long enough = (long) (shared.budget().limit() * TO_FREE);
    long frozen = 0;
    for (Timeline timeline : timelines) {
      frozen += timeline.condition().isEnding() ? 0 : timeline.reader().maps().peek().frozenBytes();
    }
    if (frozen < enough) {
      for (Timeline timeline : largestFirst()) {
        long bytes = timeline.openBytes();
        if (frozen >= enough || bytes == 0) {
          break;
        }
        if (timeline.reader().maps().peek().frozen().size() < shared.settings().frozenLayers()) {
          timeline.requestFreeze();
          frozen += Math.max(bytes, SMALLEST_LAYER);
        }
      }
    }
    return frozen > 0;
  }

  private List<Timeline> largestFirst() {
    record Sized(Timeline timeline, long bytes) {}
    return timelines.stream()
        .filter(timeline -> !timeline.condition().isEnding())
        .map(timeline -> new Sized(timeline, timeline.openBytes()))
        .sorted(Comparator.comparingLong(Sized::bytes).reversed())
        .map(Sized::timeline)
        .toList();
  }
}
