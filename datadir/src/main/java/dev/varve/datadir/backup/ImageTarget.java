package dev.varve.datadir.backup;

import dev.varve.datadir.ingest.VersionStore;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Timeline;
import java.lang.foreign.MemorySegment;

/// Where an import puts what it finds, all as of where the backup starts. Of one thread.
public interface ImageTarget extends VersionStore.ImageTaker, AutoCloseable {

  /// What people call it.
  String name();

  PgVersion version();

  /// Where the backup must start.
  Lsn start();

  /// All is there.
  void finish();

  /// Forgets what was not finished.
  @Override
  void close();

  /// A new timeline.
  static ImageTarget of(Timeline timeline) {
    Lsn start = timeline.lastRecordLsn();
    ImageLoad load = timeline.imageLoad(start);
    return new ImageTarget() {
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
        return start;
      }

      @Override
      public void image(
          long upper, long middle, long lower, MemorySegment bytes, long offset, int length) {
        load.image(upper, middle, lower, bytes, offset, length);
      }

      @Override
      public void finish() {
        load.finish();
      }

      @Override
      public void close() {
        load.close();
      }
    };
  }
}
