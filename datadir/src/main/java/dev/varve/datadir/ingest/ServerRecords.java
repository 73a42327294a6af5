package dev.varve.datadir.ingest;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.record.RunningTransactions;
import dev.varve.postgres.record.XlogRecord;
import dev.varve.postgres.wal.WalRecord;

/// What the log says of the server itself: checkpoints, counters, settings, ends of backups.
final class ServerRecords {

  private static final int FPI_FOR_HINT = 0xA0;
  private static final int FPI = 0xB0;
  private static final int OPERATION = 0xF0;
  private static final int FIRST_NORMAL_XID = 3;

  private final RunningCheckPoint checkPoint;
  private final Slrus slrus;
  private long backupStart;
  private long backupEnd;

  ServerRecords(RunningCheckPoint checkPoint, Slrus slrus) {
    this.checkPoint = checkPoint;
    this.slrus = slrus;
  }

  /// Start of the backup that ended last, or 0.
  long backupStart() {
    return backupStart;
  }

  /// LSN of the record that ended it.
  long backupEnd() {
    return backupEnd;
  }

  void ingestXlog(WalRecord record) {
    int operation = record.info() & OPERATION;
    if (operation == FPI || operation == FPI_FOR_HINT) {
      return; // Nothing but pages; and there are many.
    }
    switch (XlogRecord.read(record)) {
      case XlogRecord.Checkpoint real -> checkPoint.checkPoint(real);
      case XlogRecord.NextOid next -> checkPoint.setNextOid(next.oid());
      case XlogRecord.BackupEnd end -> {
        backupStart = end.startLsn();
        backupEnd = record.endLsn();
      }
      case XlogRecord.ParameterChange change -> parametersChange(change);
      case XlogRecord.FullPageWrites writes -> checkPoint.setFullPageWrites(writes.on());
      case XlogRecord.EndOfRecovery end -> {
        checkPoint.followTimeline(end.tli(), end.previousTli());
        if (record.version().isAtLeast(PgVersion.V17)) {
          checkPoint.setWalLevel(end.walLevel());
        }
      }
      case XlogRecord.CheckpointRedo redo -> checkPoint.setWalLevel(redo.walLevel());
      case XlogRecord.Noop _,
          XlogRecord.Switch _,
          XlogRecord.RestorePoint _,
          XlogRecord.PageImages _,
          XlogRecord.OverwriteContrecord _ -> {}
    }
  }

  private void parametersChange(XlogRecord.ParameterChange change) {
    boolean tracked = checkPoint.tracksCommitTimestamps();
    checkPoint.setParameters(change.parameters());
    if (change.parameters().trackCommitTimestamp() != tracked) {
      slrus.trackCommitTimestamps(!tracked);
    }
  }

  void ingestStandby(WalRecord record) {
    if ((record.info() & OPERATION) == RunningTransactions.TYPE) {
      RunningTransactions running = RunningTransactions.read(record);
      checkPoint.sawXid(before(running.nextXid()));
      checkPoint.setOldestActiveXid(running.oldestRunningXid());
    }
    // Locks and invalidations concern a hot standby only.
  }

  /// The transaction before one; the special ones are none.
  private static int before(int xid) {
    return xid == FIRST_NORMAL_XID ? -1 : xid - 1;
  }
}
