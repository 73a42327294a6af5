package dev.varve.timeline;

import dev.varve.model.PageserverException;
import java.time.Duration;
import java.time.Instant;

/// Slows a writer that is faster than what comes after it, so that it need not be stopped. Of one
/// writer, and its thread.
///
/// The writer may take in no more than so many bytes a second; between records it sleeps for what
/// it was faster than that, a few milliseconds at a time. How many follows from what waits:
///
/// | what waits                | from where on            | the pace                               |
/// |---------------------------|--------------------------|----------------------------------------|
/// | what is not flushed yet   | a third of the room      | that of the flush, divided by how much of the other two thirds is used; so the flush never has to wait for the writer |
/// | memory of all timelines   | three quarters           | down to 12 MB/s when nothing is left   |
/// | layers to be merged       | 20                       | 50 MB/s at 60 layers, 12 MB/s at 100   |
/// | the same, for long        | 12, while 16 more came   | 3 ns a byte more with each that comes, 30 at most; none when 6 are left |
///
/// Layers to be merged are those of level 0, and of higher levels those that lie over each other
/// beyond what {@link CompactionSettings#depth()} allows: each of them may have to be asked by each
/// read. A short rush may pile up some; a writer that goes on gets the pace of the merges.
///
/// That there is always an end to it is what {@link BackPressure} sees to: it stops the writer
/// where there is no more room.
final class Slowing {

  /// The pace is looked at after so many bytes.
  static final int BATCH = 64 << 10;

  private static final int SLOW_FROM = 20;

  private static final int STRONGLY_FROM = 60;
  private static final double SLOW = 20;
  private static final double SLOWEST = 80;

  /// More layers than this are too many if they stay.
  private static final int PILED_UP = 12;

  /// With so few there is nothing to wait for.
  private static final int FEW = 6;

  private static final int PATIENCE = 16;
  private static final int MOST_PRESSURE = PATIENCE + 10;
  private static final double PRESSURE_STEP = 3;

  private static final double HIGH = 0.75;

  private static final Duration LONGEST = Duration.ofMillis(5);
  private static final Duration SHORTEST = Duration.ofMillis(1);

  private final Timeline timeline;
  private final OpenLayer open;
  private final Shared shared;
  private LayerSummary counted = LayerSummary.NONE;
  private int piled;
  private int pressure;
  private long taken;
  private double owed;
  private Instant before;

  Slowing(Timeline timeline, OpenLayer open, Shared shared) {
    this.timeline = timeline;
    this.open = open;
    this.shared = shared;
    before = shared.tasks().clock().instant();
  }

  /// The writer has put a record of so many bytes.
  ///
  /// @return whether it has to {@link #apply}. Hot
  boolean took(long bytes) {
    taken += bytes;
    return taken >= BATCH;
  }

  /// The writer ends.
  void end() {
    timeline.metrics().bytesIngested.add(taken);
    taken = 0;
  }

  /// Sleeps for what the writer was too fast, if that is enough to be worth it.
  ///
  /// @throws PageserverException.Unavailable when interrupted, or when the timeline goes
  void apply() {
    long bytes = taken;
    end();
    Instant now = shared.tasks().clock().instant();
    double pace = nanosPerByte();
    double due = owed + bytes * pace - Math.max(0, Duration.between(before, now).toNanos());
    before = now;
    owed = Math.clamp(due, 0, (double) LONGEST.toNanos());
    if (owed >= SHORTEST.toNanos()) {
      sleep(Duration.ofNanos((long) owed), now);
      owed = 0;
    }
  }

  private void sleep(Duration duration, Instant begin) {
    try {
      shared.tasks().await(shared.progress().next(), duration);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable(
          "the writer of timeline \"" + timeline.name() + "\" was stopped while it was slowed");
    } finally {
      before = shared.tasks().clock().instant();
      timeline.metrics().slowedTimes.increment();
      timeline.metrics().slowedNanos.add(Math.max(0, Duration.between(begin, before).toNanos()));
    }
    timeline.condition().requireRunning();
  }

  /// The pace; 0: as fast as it can.
  private double nanosPerByte() {
    TimelineSettings settings = shared.settings();
    double room = (double) settings.checkpointDistance() * (settings.frozenLayers() + 1);
    double waiting = (open.bytes() + timeline.reader().maps().peek().frozenBytes()) / room;
    double memory = (double) shared.budget().used() / shared.budget().limit();
    lookAtLayers();
    return Math.max(
        forBacklog(waiting, timeline.flush().nanosPerByte()),
        Math.max(forMemory(memory), Math.max(forLayers(piled), forPressure(pressure))));
  }

  private void lookAtLayers() {
    LayerSummary now = timeline.index().head().layers();
    if (!now.equals(counted)) {
      counted = now;
      piled = timeline.layersByLevel()[0] + timeline.compaction().excess();
      pressure = pressureAfter(pressure, piled);
    }
  }

  /// @param layers to be merged, after a change of them
  static int pressureAfter(int before, int layers) {
    if (layers > PILED_UP) {
      return Math.min(before + 1, MOST_PRESSURE);
    }
    return Math.max(0, layers > FEW ? before - 1 : Math.min(before, PATIENCE) - 1);
  }

  /// @param pressure how often a layer was added while there were too many already
  static double forPressure(int pressure) {
    return Math.max(0, pressure - PATIENCE) * PRESSURE_STEP;
  }

  /// @param waiting which part of the room is used
  /// @param flush nanoseconds that a flush takes for a byte
  static double forBacklog(double waiting, double flush) {
    return Math.clamp((waiting - 1.0 / 3) * 1.5, 0, 1) * flush;
  }

  /// @param used which part of the memory is
  static double forMemory(double used) {
    return Math.clamp((used - HIGH) / (1 - HIGH), 0, 1) * SLOWEST;
  }

  static double forLayers(int layers) {
    if (layers <= STRONGLY_FROM) {
      return Math.max(0, layers - SLOW_FROM) * SLOW / (STRONGLY_FROM - SLOW_FROM);
    }
    return Math.min(
        SLOWEST, SLOW + (layers - STRONGLY_FROM) * (SLOWEST - SLOW) / (STRONGLY_FROM - SLOW_FROM));
  }
}
