package dev.varve.timeline;

import dev.varve.layer.MemoryLayer;
import dev.varve.model.VersionBytes;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/// The open layer of a timeline: made with the first version, filled by the writer, frozen between
/// records by the writer or by whoever finds it too old or too large.
///
/// `records` is held by the writer from the first version of a record until all of it is visible,
/// and by a freezer for a moment; never while anybody waits for disk or memory. What is not
/// volatile is guarded by it.
final class OpenLayer {

  private final LayerMaps maps;
  private final LastRecord lastRecord;
  private final Shared shared;
  private final Semaphore records = new Semaphore(1);
  private volatile @Nullable MemoryLayer layer;
  private volatile boolean freezeWanted;
  private volatile long openedAt;
  private volatile long start;
  private long highest;

  /// @param start the lowest LSN that the first open layer may have
  OpenLayer(LayerMaps maps, LastRecord lastRecord, Shared shared, long start) {
    this.maps = maps;
    this.lastRecord = lastRecord;
    this.shared = shared;
    this.start = start;
    openedAt = now();
  }

  private long now() {
    return shared.tasks().clock().millis();
  }

  /// By the writer, before the first version of a record.
  void beginRecord() {
    records.acquireUninterruptibly();
  }

  /// By the writer, after the last.
  void endRecord() {
    records.release();
  }

  /// By the writer, within a record.
  void put(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean image,
      boolean initializes,
      MemorySegment bytes,
      long offset,
      int length) {
    layerFor(lsn).put(upper, middle, lower, lsn, image, initializes, bytes, offset, length);
  }

  /// By the writer, within a record: a change that is written in place.
  void put(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      int most,
      VersionBytes bytes) {
    layerFor(lsn).put(upper, middle, lower, lsn, false, initializes, most, bytes);
  }

  private MemoryLayer layerFor(long lsn) {
    MemoryLayer open = layer;
    if (open == null) {
      open = open();
    }
    if (Long.compareUnsigned(lsn, highest) > 0) {
      highest = lsn;
    }
    return open;
  }

  private MemoryLayer open() {
    var opened = new MemoryLayer(start, shared.budget());
    if (!maps.update(map -> map.withOpen(opened), List.of())) {
      opened.close();
      throw maps.closed();
    }
    layer = opened;
    openedAt = now();
    return opened;
  }

  /// What was put into it, in bytes.
  long bytes() {
    MemoryLayer open = layer;
    return open == null ? 0 : open.bytes();
  }

  /// Whether no version up to `lsn` is in an open layer.
  boolean isFrozenUpTo(long lsn) {
    return layer == null || Long.compareUnsigned(start, lsn) > 0;
  }

  /// The lowest LSN that is not frozen.
  long start() {
    return start;
  }

  /// Milliseconds since the layer was made, or, when there is none, since the last was frozen.
  long age() {
    return now() - openedAt;
  }

  boolean isFreezeWanted() {
    return freezeWanted;
  }

  /// Freezes the layer now, or, when the writer is within a record, lets the writer do it after.
  void requestFreeze() {
    freezeWanted = true;
    if (records.tryAcquire()) {
      try {
        freeze();
      } finally {
        records.release();
      }
    }
  }

  /// Freezes the layer; by the writer, between records.
  void freezeBetweenRecords() {
    records.acquireUninterruptibly();
    try {
      freeze();
    } finally {
      records.release();
    }
  }

  /// Ends the record that the writer is in, and forgets it: what it put so far will not count.
  void abandonRecord() {
    try {
      freeze();
    } finally {
      records.release();
    }
  }

  private void freeze() {
    freezeWanted = false;
    openedAt = now();
    long end = PageReader.endAfter(lastRecord.get());
    MemoryLayer open = layer;
    if (open == null) {
      if (lastRecord.hasAdvanced() && Long.compareUnsigned(start, end) < 0) {
        start = end; // nothing was put for these records, so nothing has to be kept for them
      }
      return;
    }
    layer = null;
    if (Long.compareUnsigned(start, end) >= 0) {
      maps.update(map -> map.withOpen(null), List.of(open)); // it has half a record only
      return;
    }
    boolean half = Long.compareUnsigned(highest, end) >= 0;
    open.freeze(half ? PageReader.endAfter(highest) : end);
    maps.update(map -> map.withOpenFrozen(new FrozenLayer(open, end)), List.of());
    start = end;
    highest = 0;
  }
}
