package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.VersionBytes;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The single writer of a timeline. Of one thread at a time; nothing is allocated per call.
///
/// What belongs to one LSN is put with {@link #image} and {@link #change}; {@link #advance} then
/// makes it visible, all at once. A writer that is closed before it advances forgets what it put
/// since it last did.
public final class Ingest implements AutoCloseable {

  private final Timeline timeline;
  private final OpenLayer open;
  private final LastRecord lastRecord;
  private final BackPressure backPressure;
  private final Slowing slowing;
  private long lowest;
  private long bytesBefore;
  private boolean inRecord;
  private boolean closed;

  Ingest(
      Timeline timeline,
      OpenLayer open,
      LastRecord lastRecord,
      BackPressure backPressure,
      Slowing slowing) {
    this.timeline = timeline;
    this.open = open;
    this.lastRecord = lastRecord;
    this.backPressure = backPressure;
    this.slowing = slowing;
    lowest = open.start();
    long last = lastRecord.get();
    if (Long.compareUnsigned(lowest, last) <= 0 && lastRecord.hasAdvanced()) {
      lowest = last + 1;
    }
  }

  /// Stores a whole value: a page, or another kind of value; empty: a tombstone.
  ///
  /// @param lsn after the last {@link #advance}; the first data of a timeline without an ancestor
  ///   may have the LSN where it starts
  public void image(
      long upper, long middle, long lower, long lsn, MemorySegment bytes, long offset, int length) {
    enterRecord(lsn);
    open.put(upper, middle, lower, lsn, true, true, bytes, offset, length);
  }

  /// Stores what happens to a page.
  ///
  /// @param lsn after the last {@link #advance}
  /// @param initializes whether redo can begin with it
  public void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      MemorySegment bytes,
      long offset,
      int length) {
    enterRecord(lsn);
    open.put(upper, middle, lower, lsn, false, initializes, bytes, offset, length);
  }

  /// Stores what happens to a page, and has it written in place.
  ///
  /// @param most that many bytes are written at most
  public void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      int most,
      VersionBytes bytes) {
    enterRecord(lsn);
    open.put(upper, middle, lower, lsn, initializes, most, bytes);
  }

  private void enterRecord(long lsn) {
    if (Long.compareUnsigned(lsn, lowest) < 0) {
      throw new IllegalArgumentException(
          Lsn.format(lsn) + " is not after what was taken in, " + Lsn.format(lastRecord.get()));
    }
    if (!inRecord) {
      requireOpen();
      open.beginRecord();
      bytesBefore = open.bytes();
      inRecord = true;
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this writer is closed");
    }
    timeline.condition().requireRunning();
  }

  /// Everything up to `lsn` is in: makes it visible. Between two LSNs is also where the open layer
  /// is frozen, and where the writer is slowed, and at last waits, when the disk, or memory, does
  /// not keep up.
  ///
  /// @throws PageserverException.Unavailable when the thread is interrupted while it waits, or the
  ///   timeline goes; what was put is in nevertheless
  public void advance(long lsn) {
    if (closed) {
      throw new IllegalStateException("this writer is closed");
    }
    if (Long.compareUnsigned(lsn, lastRecord.get()) < 0) {
      throw new IllegalArgumentException(
          "back to " + Lsn.format(lsn) + " from " + Lsn.format(lastRecord.get()));
    }
    lastRecord.publish(lsn);
    lowest = lsn + 1;
    boolean fast = false;
    if (inRecord) {
      inRecord = false;
      fast = slowing.took(open.bytes() - bytesBefore);
      open.endRecord();
    }
    if (backPressure.isDue(open)) {
      requireOpen();
      backPressure.apply(timeline, open);
    }
    if (fast) {
      slowing.apply();
    }
  }

  /// The newest value of a key that is stored in images only, including one put since the last
  /// {@link #advance}; null when there is none or it is a tombstone.
  public byte @Nullable [] value(Key key) {
    timeline.condition().requireRunning();
    return timeline.reader().value(key, -1);
  }

  /// Reads a page as of the last {@link #advance}, as {@link Timeline#page} does, but also before
  /// {@link Timeline#readableFrom()}: for records that copy pages, which may come during an import.
  ///
  /// @param target 8192 bytes; undefined after an exception
  public void page(Key key, MemorySegment target) {
    timeline.condition().requireRunning();
    timeline.reads().pageAsIs(key, timeline.lastRecordLsn(), target);
  }

  /// Scans as {@link Timeline#scan} does, as of the last {@link #advance}, but also before {@link
  /// Timeline#readableFrom()}.
  public void scan(KeyRange keys, ScanSink sink) {
    timeline.condition().requireRunning();
    Scan.run(timeline.reader(), keys, lastRecord.get(), () -> {}, sink);
  }

  /// Hands over the history of a key as {@link Timeline#history} does, up to the last {@link
  /// #advance}, but also before {@link Timeline#readableFrom()}.
  public void history(Key key, HistorySink sink) {
    timeline.condition().requireRunning();
    timeline.reads().history(key, 0, lastRecord.get(), () -> {}, sink);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    slowing.end();
    if (inRecord) {
      inRecord = false;
      open.abandonRecord();
      timeline.flush().wake();
    }
    timeline.writerClosed();
  }
}
