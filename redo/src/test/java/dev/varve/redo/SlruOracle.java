package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.record.CommitLogRecord;
import dev.varve.postgres.record.CommitTimestampRecord;
import dev.varve.postgres.record.MultixactRecord;
import dev.varve.postgres.record.TransactionRecord;
import dev.varve.postgres.slru.Slru;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// The oracle's ingest of what changes SLRU pages.
final class SlruOracle {

  private final RedoOracle oracle;
  private final TransactionRecord transaction = new TransactionRecord();
  private int nextMultixact;

  SlruOracle(RedoOracle oracle) {
    this.oracle = oracle;
  }

  void record(WalRecord record) {
    switch (ResourceManager.of(record.rmgr())) {
      case TRANSACTION -> {
        if (TransactionRecord.isEnd(record.info())) {
          end(record);
        }
      }
      case CLOG -> {
        if (CommitLogRecord.read(record) instanceof CommitLogRecord.ZeroPage(long page)) {
          zero(Slru.CLOG, page, record);
        }
      }
      case COMMIT_TS -> {
        if (CommitTimestampRecord.read(record)
            instanceof CommitTimestampRecord.ZeroPage(long page)) {
          zero(Slru.COMMIT_TS, page, record);
        }
      }
      case MULTIXACT -> multixact(record);
      default -> {}
    }
  }

  private void zero(Slru slru, long page, WalRecord record) {
    int length = ChangeWriter.zeroPage(oracle.change(), 0);
    oracle.apply(OraclePages.slru(slru, (int) page), record.endLsn(), length, true);
  }

  private void end(WalRecord record) {
    transaction.parse(record);
    int count = transaction.subtransactionCount() + 1;
    if (transaction.xid() == 0) {
      return;
    }
    int[] xid = new int[1];
    for (int i = 0; i < count; i++) {
      xid[0] = i == 0 ? transaction.xid() : transaction.subtransaction(i - 1);
      int status = transaction.isCommit() ? ChangeWriter.COMMITTED : ChangeWriter.ABORTED;
      int length = ChangeWriter.commitLog(status, xid, 0, 1, oracle.change(), 0);
      oracle.apply(
          OraclePages.slru(Slru.CLOG, Slru.CLOG.page(xid[0])), record.endLsn(), length, false);
      if (transaction.isCommit()) {
        long time = transaction.hasOrigin() ? transaction.originTime() : transaction.time();
        length =
            ChangeWriter.commitTimestamps(time, record.origin(), xid, 0, 1, oracle.change(), 0);
        oracle.apply(
            OraclePages.slru(Slru.COMMIT_TS, Slru.COMMIT_TS.page(xid[0])),
            record.endLsn(),
            length,
            false);
      }
    }
  }

  private void multixact(WalRecord record) {
    switch (MultixactRecord.read(record)) {
      case MultixactRecord.ZeroOffsetsPage(long page) -> zero(Slru.MULTIXACT_OFFSETS, page, record);
      case MultixactRecord.ZeroMembersPage(long page) -> zero(Slru.MULTIXACT_MEMBERS, page, record);
      case MultixactRecord.Create create -> create(create, record.endLsn());
      case MultixactRecord.Truncate _ -> {}
    }
  }

  private void create(MultixactRecord.Create create, long lsn) {
    nextMultixact = create.multi() + 1;
    Slru offsets = Slru.MULTIXACT_OFFSETS;
    Key key = OraclePages.slru(offsets, offsets.page(create.multi()));
    if (offsets.page(nextMultixact) == key.block()) {
      int length =
          ChangeWriter.multixactOffsets(
              create.multi(),
              create.offset(),
              nextMultixact,
              create.offset() + create.count(),
              oracle.change(),
              0);
      oracle.apply(key, lsn, length, false);
    } else {
      int length =
          ChangeWriter.multixactOffset(create.multi(), create.offset(), oracle.change(), 0);
      oracle.apply(key, lsn, length, false);
    }
    Slru members = Slru.MULTIXACT_MEMBERS;
    for (int i = 0; i < create.count(); i++) {
      int at = create.offset() + i;
      int length =
          ChangeWriter.multixactMembers(at, create.members(), 8L * i, 1, oracle.change(), 0);
      oracle.apply(OraclePages.slru(members, members.page(at)), lsn, length, false);
    }
  }

  /// Older minors do not write the start offset of the multixact that comes next.
  void mask(Key key, MemorySegment page, MemorySegment file) {
    if (OraclePages.slruOf(key) == Slru.MULTIXACT_OFFSETS
        && Slru.MULTIXACT_OFFSETS.page(nextMultixact) == key.block()) {
      long at = Slru.MULTIXACT_OFFSETS.indexOnPage(nextMultixact) * 4L;
      page.set(PgLayout.INT, at, 0);
      file.set(PgLayout.INT, at, 0);
    }
  }
}
