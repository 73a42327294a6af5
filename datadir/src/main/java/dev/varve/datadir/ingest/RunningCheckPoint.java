package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.control.ServerParameters;
import dev.varve.postgres.record.XlogRecord;

/// What a checkpoint would say if there were one right after each record, and the control file.
///
/// A server that is started from a copy of the data directory as of some LSN starts from these
/// values, so they are exact after every record: next transaction ID, OID, multixact and its
/// offset; the oldest ones of each. They move as PostgreSQL's own recovery moves them. A record
/// that changes the next transaction ID only, as most do that change anything here, writes 8 bytes;
/// another change writes the 88 of all.
final class RunningCheckPoint {

  private static final int FIRST_NORMAL_XID = 3;
  private static final int FIRST_MULTI = 1;

  private final VersionWriter writer;
  private final CheckPoint checkPoint;
  private final ControlFile control;
  private long nextXid;
  private boolean tracksCommitTimestamps;
  private boolean xidChanged;
  private boolean changed;
  private boolean controlChanged;

  RunningCheckPoint(VersionWriter writer, CheckPoint checkPoint, ControlFile control) {
    this.writer = writer;
    this.checkPoint = checkPoint;
    this.control = control;
    this.nextXid = checkPoint.nextXid();
    this.tracksCommitTimestamps = control.parameters().trackCommitTimestamp();
  }

  /// A record was written by that transaction, or names it: the next one comes after it.
  ///
  /// @param xid 0 and the other special ones are no transactions
  void sawXid(int xid) {
    int next = (int) nextXid;
    if (xid - next < 0 || Integer.compareUnsigned(xid, FIRST_NORMAL_XID) < 0) {
      return;
    }
    long epoch = nextXid >>> 32;
    if (Integer.compareUnsigned(xid, next) < 0) {
      epoch++;
    }
    int following = xid + 1;
    if (following == 0) {
      epoch++;
      following = FIRST_NORMAL_XID;
    }
    nextXid = epoch << 32 | Integer.toUnsignedLong(following);
    xidChanged = true;
  }

  /// With its epoch in the high half.
  long nextXid() {
    return nextXid;
  }

  int nextMulti() {
    return checkPoint.nextMulti();
  }

  boolean tracksCommitTimestamps() {
    return tracksCommitTimestamps;
  }

  /// Multixacts before `multi` and members before `offset` are in use.
  void advanceMulti(int multi, int offset) {
    if (multi - checkPoint.nextMulti() > 0) {
      checkPoint.setNextMulti(multi == 0 ? FIRST_MULTI : multi);
      changed = true;
    }
    if (offset - checkPoint.nextMultiOffset() > 0) {
      checkPoint.setNextMultiOffset(offset);
      changed = true;
    }
  }

  void setOldestMulti(int multi, int database) {
    checkPoint.setOldestMulti(multi, database);
    changed = true;
  }

  void advanceOldestXid(int xid, int database) {
    if (precedes(checkPoint.oldestXid(), xid)) {
      checkPoint.setOldestXid(xid, database);
      changed = true;
    }
  }

  /// A transaction with that ID, or one of its subtransactions, has a commit timestamp.
  void advanceNewestCommitTimestamp(int xid) {
    int newest = checkPoint.newestCommitTimestampXid();
    if (newest == 0 || precedes(newest, xid)) {
      checkPoint.setNewestCommitTimestampXid(xid);
      changed = true;
    }
  }

  void advanceOldestCommitTimestamp(int xid) {
    int oldest = checkPoint.oldestCommitTimestampXid();
    if (oldest != 0 && precedes(oldest, xid)) {
      checkPoint.setOldestCommitTimestampXid(xid);
      changed = true;
    }
  }

  /// Commit timestamps are kept from here on; from before there are none.
  void startCommitTimestamps() {
    if (checkPoint.oldestCommitTimestampXid() == 0) {
      checkPoint.setOldestCommitTimestampXid((int) nextXid);
      checkPoint.setNewestCommitTimestampXid((int) nextXid);
      changed = true;
    }
  }

  void stopCommitTimestamps() {
    checkPoint.setOldestCommitTimestampXid(0);
    checkPoint.setNewestCommitTimestampXid(0);
    changed = true;
  }

  void setNextOid(int oid) {
    checkPoint.setNextOid(oid);
    changed = true;
  }

  void setFullPageWrites(boolean on) {
    checkPoint.setFullPageWrites(on);
    changed = true;
  }

  /// The PostgreSQL timeline that the log is on.
  int tli() {
    return checkPoint.tli();
  }

  /// From the record at hand on the log is on that PostgreSQL timeline: as before, or one that has
  /// left it here.
  ///
  /// @throws IllegalArgumentException when it has left another, so that this log is not its past
  void followTimeline(int tli, int previousTli) {
    int now = checkPoint.tli();
    if (tli != now && (previousTli != now || Integer.compareUnsigned(tli, now) < 0)) {
      throw new IllegalArgumentException(
          "it is of PostgreSQL timeline %s, which has left %s, and the log so far is of %s"
              .formatted(
                  Integer.toUnsignedString(tli),
                  Integer.toUnsignedString(previousTli),
                  Integer.toUnsignedString(now)));
    }
    checkPoint.setTli(tli);
    checkPoint.setPreviousTli(previousTli);
    changed = true;
  }

  /// @param xid of the oldest transaction that runs
  void setOldestActiveXid(int xid) {
    if (checkPoint.oldestActiveXid() != xid) {
      checkPoint.setOldestActiveXid(xid);
      changed = true;
    }
  }

  void setWalLevel(int level) {
    if (checkPoint.hasWalLevel() && checkPoint.walLevel() != level) {
      checkPoint.setWalLevel(level);
      changed = true;
    }
  }

  void setParameters(ServerParameters parameters) {
    control.setParameters(parameters);
    tracksCommitTimestamps = parameters.trackCommitTimestamp();
    controlChanged = true;
    setWalLevel(parameters.walLevel());
  }

  /// A real checkpoint. One at shutdown is right about everything; an online one was made while
  /// others went on, so its counters are lower bounds, and its next OID is of no use: see
  /// `xlog_redo` in PostgreSQL's `xlog.c`.
  void checkPoint(XlogRecord.Checkpoint record) {
    CheckPoint real = record.checkPoint();
    if (real.nextXid() - nextXid > 0) {
      nextXid = real.nextXid();
    }
    followTimeline(real.tli(), real.previousTli());
    checkPoint.setRedo(real.redo());
    checkPoint.setFullPageWrites(real.fullPageWrites());
    checkPoint.setTime(real.time());
    checkPoint.setOldestActiveXid(real.oldestActiveXid());
    if (real.hasWalLevel()) {
      checkPoint.setWalLevel(real.walLevel());
    }
    if (record.shutdown()) {
      checkPoint.setNextOid(real.nextOid());
      checkPoint.setNextMulti(real.nextMulti());
      checkPoint.setNextMultiOffset(real.nextMultiOffset());
      checkPoint.setOldestXid(real.oldestXid(), real.oldestXidDatabase());
      checkPoint.setOldestMulti(real.oldestMulti(), real.oldestMultiDatabase());
      checkPoint.setOldestCommitTimestampXid(real.oldestCommitTimestampXid());
      checkPoint.setNewestCommitTimestampXid(real.newestCommitTimestampXid());
    } else {
      advanceMulti(real.nextMulti(), real.nextMultiOffset());
      advanceOldestXid(real.oldestXid(), real.oldestXidDatabase());
      if (real.oldestMulti() - checkPoint.oldestMulti() > 0) {
        setOldestMulti(real.oldestMulti(), real.oldestMultiDatabase());
      }
      advanceOldestCommitTimestamp(real.oldestCommitTimestampXid());
    }
    changed = true;
  }

  /// Writes what the record at hand changed.
  void write() {
    if (changed) {
      checkPoint.setNextXid(nextXid);
      writer.value(DirectoryKeys.CHECKPOINT, checkPoint.toBytes());
    } else if (xidChanged) {
      writer.longValue(
          DirectoryKeys.NEXT_XID.upper(),
          DirectoryKeys.NEXT_XID.middle(),
          DirectoryKeys.NEXT_XID.lower(),
          nextXid);
    }
    if (controlChanged) {
      writer.value(DirectoryKeys.CONTROL_FILE, control.toBytes());
    }
    changed = false;
    xidChanged = false;
    controlChanged = false;
  }

  /// Whether one transaction ID is older than another; the special ones are older than all.
  static boolean precedes(int xid, int other) {
    boolean normal =
        Integer.compareUnsigned(xid, FIRST_NORMAL_XID) >= 0
            && Integer.compareUnsigned(other, FIRST_NORMAL_XID) >= 0;
    return normal ? xid - other < 0 : Integer.compareUnsigned(xid, other) < 0;
  }
}
