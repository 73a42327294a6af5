package dev.varve.timeline;

import java.util.concurrent.atomic.LongAdder;

/// What one timeline has done since it was opened; whoever does it adds here. Any thread may add,
/// without waiting for others; {@link #counts()} is what others see of it.
public final class TimelineMetrics {

  /// Bytes of page versions, as open layers keep them.
  final LongAdder bytesIngested = new LongAdder();

  /// Bytes of the layer files that flushes wrote.
  final LongAdder bytesFlushed = new LongAdder();

  /// Bytes of the layer files that compaction wrote.
  final LongAdder bytesCompacted = new LongAdder();

  /// Bytes of the page versions that compaction read for that.
  final LongAdder bytesRead = new LongAdder();

  /// Bytes of layer files and index parts that were put into the object store.
  final LongAdder bytesUploaded = new LongAdder();

  /// Pages that were asked for, also those that could not be given.
  final LongAdder pagesRead = new LongAdder();

  /// Layers of this timeline that reads of any kind, also of its branches, have asked for versions.
  final LongAdder layersVisited = new LongAdder();

  /// Changes that redo has applied to make those pages.
  final LongAdder changesApplied = new LongAdder();

  /// Reads that failed for what is stored, or for the disk.
  final LongAdder readFailures = new LongAdder();

  /// How often, and for how long, the writer was slowed down.
  final LongAdder slowedTimes = new LongAdder();

  final LongAdder slowedNanos = new LongAdder();

  /// How often, and for how long, the writer had to wait until something had been flushed.
  final LongAdder stoppedTimes = new LongAdder();

  final LongAdder stoppedNanos = new LongAdder();

  TimelineMetrics() {}

  /// All counters as of about now.
  public TimelineCounts counts() {
    return new TimelineCounts(
        bytesIngested.sum(),
        bytesFlushed.sum(),
        bytesCompacted.sum(),
        bytesRead.sum(),
        bytesUploaded.sum(),
        pagesRead.sum(),
        layersVisited.sum(),
        changesApplied.sum(),
        readFailures.sum(),
        slowedTimes.sum(),
        slowedNanos.sum(),
        stoppedTimes.sum(),
        stoppedNanos.sum());
  }
}
