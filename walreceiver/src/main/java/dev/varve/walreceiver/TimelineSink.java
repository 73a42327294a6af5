package dev.varve.walreceiver;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.timeline.Timeline;
import java.lang.foreign.MemorySegment;

/// Takes WAL into a timeline, of which it is the writer while it is open.
public final class TimelineSink implements WalSink {

  private final Timeline timeline;
  private final WalIngest ingest;
  private volatile long applied;

  private TimelineSink(Timeline timeline) {
    this.timeline = timeline;
    ingest = new WalIngest(timeline);
    applied = ingest.lastRecord().value();
  }

  /// Sinks into this timeline, each from its last record on.
  public static WalSink.Source into(Timeline timeline) {
    return () -> new TimelineSink(timeline);
  }

  @Override
  public long start() {
    return ingest.position().value();
  }

  @Override
  public void feed(long lsn, MemorySegment bytes, long offset, int length) {
    ingest.feed(lsn, bytes, offset, length);
    applied = ingest.lastRecord().value();
  }

  @Override
  public long applied() {
    return applied;
  }

  @Override
  public int tli() {
    return ingest.tli();
  }

  @Override
  public long flushed() {
    return timeline.diskConsistentLsn().value();
  }

  @Override
  public void close() {
    ingest.close();
  }
}
