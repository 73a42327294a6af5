package dev.varve.postgres.record;

import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;

/// The commit timestamps grow by a page, or lose their oldest. (The timestamps themselves come with
/// {@link TransactionRecord commits}.)
///
/// | type | 14 to 16 | from 17 | field                                                          |
/// |------|----------|---------|----------------------------------------------------------------|
/// | `00` | 0-3      | 0-7     | ZEROPAGE: the page's number                                    |
/// | `10` | 0-3      | 0-7     | TRUNCATE: segments that lie wholly before this page go         |
/// |      | 4-7      | 8-11    | oldest transaction id whose timestamp is kept                  |
///
/// PostgreSQL's `access/commit_ts.h`.
public sealed interface CommitTimestampRecord {

  long page();

  record ZeroPage(long page) implements CommitTimestampRecord {}

  record Truncate(long page, int oldestXid) implements CommitTimestampRecord {}

  /// @throws WalException if it is of no known type, or not as long as its type is
  static CommitTimestampRecord read(WalRecord record) {
    return read(Payload.of(record, "CommitTs"));
  }

  /// @throws WalException if it is of no known type, or not as long as its type is
  static CommitTimestampRecord read(Payload payload) {
    int width = CommitLogRecord.pageWidth(payload);
    return switch (payload.type()) {
      case 0x00 -> {
        payload.requireExactly(width);
        yield new ZeroPage(CommitLogRecord.page(payload));
      }
      case 0x10 -> {
        payload.requireExactly(width + 4L);
        yield new Truncate(CommitLogRecord.page(payload), payload.i32(width));
      }
      default -> throw payload.unknownType();
    };
  }
}
