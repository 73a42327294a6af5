package dev.varve.datadir.ingest;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.VersionBytes;
import dev.varve.postgres.PgVersion;
import dev.varve.timeline.HistorySink;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.ScanSink;
import dev.varve.timeline.Timeline;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A timeline, of which this is the writer until it is closed. Hot: it hands on and does no more.
final class TimelineStore implements VersionStore {

  private final Timeline timeline;
  private final Ingest ingest;

  /// @throws PageserverException.Conflict while there is another writer
  TimelineStore(Timeline timeline) {
    this.timeline = timeline;
    this.ingest = timeline.ingest();
  }

  @Override
  public String name() {
    return timeline.name();
  }

  @Override
  public PgVersion version() {
    return PgVersion.ofMajor(timeline.pgVersion());
  }

  @Override
  public Lsn start() {
    return timeline.lastRecordLsn();
  }

  @Override
  public void image(
      long upper, long middle, long lower, long lsn, MemorySegment bytes, long offset, int length) {
    ingest.image(upper, middle, lower, lsn, bytes, offset, length);
  }

  @Override
  public void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      MemorySegment bytes,
      long offset,
      int length) {
    ingest.change(upper, middle, lower, lsn, initializes, bytes, offset, length);
  }

  @Override
  public void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      int most,
      VersionBytes bytes) {
    ingest.change(upper, middle, lower, lsn, initializes, most, bytes);
  }

  /// They go past the open layer, which can't be frozen within a record, into image layers.
  @Override
  public void images(long lsn, Consumer<ImageTaker> source) {
    try (ImageLoad load = timeline.imageLoad(new Lsn(lsn))) {
      source.accept(load::image);
      load.finish();
    }
  }

  @Override
  public void advance(long lsn) {
    ingest.advance(lsn);
  }

  @Override
  public byte @Nullable [] value(Key key) {
    return ingest.value(key);
  }

  @Override
  public void page(Key key, MemorySegment target) {
    ingest.page(key, target);
  }

  @Override
  public void scan(KeyRange keys, ScanSink sink) {
    ingest.scan(keys, sink);
  }

  @Override
  public void history(Key key, HistorySink sink) {
    ingest.history(key, sink);
  }

  @Override
  public void close() {
    ingest.close();
  }
}
