package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.record.PreparedTransaction;
import dev.varve.postgres.record.TransactionRecord;
import dev.varve.postgres.slru.Slru;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.ChangeWriter;
import java.util.Arrays;

/// Ends of transactions: their state in the commit log, commit timestamps, relations that go with
/// them; and prepared transactions. Hot: a commit allocates nothing unless it has more
/// subtransactions than any before.
final class Transactions {

  private final VersionWriter writer;
  private final RelationSizes relations;
  private final SlruSegments slrus;
  private final RunningCheckPoint checkPoint;
  private final CommitTimeLog times;
  private final Origins origins;
  private final PgVersion version;
  private final TransactionRecord end = new TransactionRecord();
  private int[] xids = new int[64];
  private int count;

  Transactions(IngestState state, PgVersion version) {
    this.writer = state.writer();
    this.relations = state.relations();
    this.slrus = state.slrus();
    this.checkPoint = state.checkPoint();
    this.times = state.times();
    this.origins = state.origins();
    this.version = version;
  }

  void ingest(WalRecord record) {
    if (TransactionRecord.isEnd(record.info())) {
      end.parse(record);
      end(record);
    } else if (TransactionRecord.isPrepare(record.info())) {
      prepare(PreparedTransaction.read(record), record.origin());
    }
    // Assignments and invalidations concern caches and hot standby only.
  }

  private void end(WalRecord record) {
    gather();
    for (int i = 0; i < count; i++) {
      checkPoint.sawXid(xids[i]);
    }
    writeCommitLog(end.isCommit() ? ChangeWriter.COMMITTED : ChangeWriter.ABORTED);
    if (end.isCommit()) {
      if (checkPoint.tracksCommitTimestamps()) {
        writeTimestamps(end.hasOrigin() ? end.originTime() : end.time(), record.origin());
      }
      times.committed(end.time());
    }
    for (int i = 0; i < end.relationCount(); i++) {
      relations.drop(end.tablespace(i), end.database(i), end.relation(i));
    }
    if (end.isPrepared()) {
      writer.remove(DirectoryKeys.prepared(fileXid(end.xid())));
    }
    if (end.hasOrigin() && record.origin() != 0) {
      origins.replayed(record.origin(), end.originLsn());
    }
  }

  /// The transaction and its subtransactions, those of one page next to each other.
  private void gather() {
    int subtransactions = end.subtransactionCount();
    if (xids.length <= subtransactions) {
      xids = new int[Integer.highestOneBit(subtransactions) * 2];
    }
    count = 0;
    if (end.xid() != 0) {
      xids[count++] = end.xid();
    }
    boolean sorted = true;
    for (int i = 0; i < subtransactions; i++) {
      xids[count] = end.subtransaction(i);
      sorted &= count == 0 || xids[count - 1] < xids[count];
      count++;
    }
    if (!sorted) {
      Arrays.sort(xids, 0, count);
    }
  }

  private void writeCommitLog(int status) {
    for (int from = 0; from < count; ) {
      int to = endOfPage(Slru.CLOG, from);
      int bytes = ChangeWriter.commitLogBytes(to - from);
      ChangeWriter.commitLog(status, xids, from, to - from, writer.scratch(bytes), 0);
      slrus.change(Slru.CLOG, Slru.CLOG.page(xids[from]), bytes);
      from = to;
    }
  }

  private void writeTimestamps(long time, int origin) {
    for (int from = 0; from < count; ) {
      int to = endOfPage(Slru.COMMIT_TS, from);
      int bytes = ChangeWriter.commitTimestampsBytes(to - from);
      ChangeWriter.commitTimestamps(time, origin, xids, from, to - from, writer.scratch(bytes), 0);
      slrus.change(Slru.COMMIT_TS, Slru.COMMIT_TS.page(xids[from]), bytes);
      from = to;
    }
    for (int i = 0; i < count; i++) {
      checkPoint.advanceNewestCommitTimestamp(xids[i]);
    }
  }

  private int endOfPage(Slru slru, int from) {
    int page = slru.page(xids[from]);
    int to = from + 1;
    while (to < count && slru.page(xids[to]) == page) {
      to++;
    }
    return to;
  }

  private void prepare(PreparedTransaction prepared, int origin) {
    checkPoint.sawXid(prepared.xid());
    for (int i = 0; i < prepared.subtransactionCount(); i++) {
      checkPoint.sawXid(prepared.subtransaction(i));
    }
    writer.value(DirectoryKeys.prepared(fileXid(prepared.xid())), prepared.toFile());
    if (origin != 0) {
      origins.replayed(origin, prepared.originLsn());
    }
  }

  /// The transaction's ID as it is in the name of its file: from version 17 on with its epoch.
  private long fileXid(int xid) {
    return version.isAtLeast(PgVersion.V17)
        ? PreparedTransaction.fullXid(xid, checkPoint.nextXid())
        : Integer.toUnsignedLong(xid);
  }
}
