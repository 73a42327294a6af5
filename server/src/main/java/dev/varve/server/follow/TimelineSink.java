package dev.varve.server.follow;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.timeline.Timeline;
import dev.varve.walreceiver.WalSink;
import java.lang.foreign.MemorySegment;

/// Received WAL on its way into a timeline.
final class TimelineSink implements WalSink {

  private final Timeline timeline;
  private final WalIngest ingest;

  TimelineSink(Timeline timeline) {
    this.timeline = timeline;
    this.ingest = new WalIngest(timeline);
  }

  @Override
  public long start() {
    return ingest.position().value();
  }

  @Override
  public void feed(long lsn, MemorySegment bytes, long offset, int length) {
    ingest.feed(lsn, bytes, offset, length);
  }

  @Override
  public long applied() {
    return timeline.lastRecordLsn().value();
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
