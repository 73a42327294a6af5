package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.INT;

import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// Which transactions run: type `10` of the Standby resource manager.
///
/// | bytes | field                                                                             |
/// |-------|-----------------------------------------------------------------------------------|
/// | 0-3   | number of top-level transactions                                                  |
/// | 4-7   | number of subtransactions                                                         |
/// | 8     | whether subtransactions are missing; 9-11 padding                                 |
/// | 12-15 | next transaction id                                                               |
/// | 16-19 | oldest running transaction id                                                     |
/// | 20-23 | newest transaction id that is finished                                            |
/// | 24-   | the transaction ids, top-level ones first                                         |
///
/// PostgreSQL's `storage/standbydefs.h`.
///
/// @param xids borrowed from the record: 4 bytes for each transaction
public record RunningTransactions(
    int nextXid,
    int oldestRunningXid,
    int latestCompletedXid,
    boolean subtransactionsMissing,
    int topLevelCount,
    MemorySegment xids) {

  public static final int TYPE = 0x10;

  /// Top-level transactions and subtransactions.
  public int count() {
    return (int) (xids.byteSize() / 4);
  }

  public int xid(int i) {
    return xids.get(INT, 4L * i);
  }

  /// @throws WalException if it is of another type, or not as long as it says
  public static RunningTransactions read(WalRecord record) {
    return read(Payload.of(record, "Standby"));
  }

  /// @throws WalException if it is of another type, or not as long as it says
  public static RunningTransactions read(Payload payload) {
    if (payload.type() != TYPE) {
      throw payload.unknownType();
    }
    int topLevel = payload.count(0, 24, 4);
    int sub = payload.count(4, 24, 4);
    payload.requireExactly(24 + 4L * topLevel + 4L * sub);
    return new RunningTransactions(
        payload.i32(12),
        payload.i32(16),
        payload.i32(20),
        payload.u8(8) != 0,
        topLevel,
        payload.bytes().asSlice(24));
  }
}
