package dev.varve.datadir.ingest;

import static dev.varve.datadir.DirectoryKeys.COMMIT_TIME;
import static dev.varve.datadir.DirectoryKeys.COMMIT_TIME_BEFORE;

import dev.varve.datadir.CommitTimes;
import dev.varve.datadir.DirectoryKeys;
import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;

/// Keeps when each transaction committed, so that a moment can be turned into an LSN; see {@link
/// DirectoryKeys} and {@link CommitTimes}. Hot: nothing is allocated.
final class CommitTimeLog {

  private static final long NO_BUCKET = -1;

  private final VersionWriter writer;
  private long greatest;
  private long bucket;

  /// @param greatest the greatest commit time so far, or {@link CommitTimes#NONE}
  /// @param bucket the last bucket that has a commit time, or -1
  private CommitTimeLog(VersionWriter writer, long greatest, long bucket) {
    this.writer = writer;
    this.greatest = greatest;
    this.bucket = bucket;
  }

  /// The log as the last record left it.
  static CommitTimeLog load(VersionWriter writer, VersionStore store) {
    long[] last = {CommitTimes.NONE, NO_BUCKET};
    store.scan(
        DirectoryKeys.kind(COMMIT_TIME_BEFORE),
        (key, value) -> {
          last[0] = value.get(PgLayout.LONG, 0);
          last[1] = DirectoryKeys.bucketOf(key);
        });
    if (last[1] != NO_BUCKET) {
      store.history(
          DirectoryKeys.commitTimes(last[1]),
          (_, version) -> last[0] = Math.max(last[0], version.bytes().get(PgLayout.LONG, 0)));
    }
    return new CommitTimeLog(writer, last[0], last[1]);
  }

  /// A transaction committed with the record at hand.
  ///
  /// @param time in microseconds since 2000
  void committed(long time) {
    long current = DirectoryKeys.commitBucket(writer.lsn());
    if (current != bucket) {
      writer.longValue(Key.upper(COMMIT_TIME_BEFORE, 0), current, 0, greatest);
      bucket = current;
    }
    writer.longChange(Key.upper(COMMIT_TIME, 0), current, 0, time);
    greatest = Math.max(greatest, time);
  }
}
