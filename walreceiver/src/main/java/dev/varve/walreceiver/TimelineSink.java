package dev.varve.walreceiver;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.PageserverException;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import dev.varve.timeline.UploadState;
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

  /// Where there is an object store, what is not in it must come from the source again if this disk
  /// is lost, or if another node takes over. Once that has happened, nothing is told from here.
  @Override
  public long flushed() {
    if (timeline.state() instanceof TimelineState.Lost(String reason)) {
      throw new PageserverException.Unavailable(reason);
    }
    return timeline
        .uploadState()
        .map(UploadState::remoteConsistentLsn)
        .orElse(timeline.diskConsistentLsn())
        .value();
  }

  @Override
  public void close() {
    ingest.close();
  }
}
