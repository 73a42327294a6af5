package dev.varve.postgres.record;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;

/// The commit log grows by a page, or loses its oldest.
///
/// | type | 14 to 16 | from 17 | field                                                          |
/// |------|----------|---------|----------------------------------------------------------------|
/// | `00` | 0-3      | 0-7     | ZEROPAGE: the page's number                                    |
/// | `10` | 0-3      | 0-7     | TRUNCATE: segments that lie wholly before this page go         |
/// |      | 4-7      | 8-11    | oldest transaction id that is still needed                     |
/// |      | 8-11     | 12-15   | OID of the database that needs it                              |
///
/// PostgreSQL's `access/clog.h`.
public sealed interface CommitLogRecord {

  long page();

  record ZeroPage(long page) implements CommitLogRecord {}

  record Truncate(long page, int oldestXid, int oldestXidDatabase) implements CommitLogRecord {}

  /// @throws WalException if it is of no known type, or not as long as its type is
  static CommitLogRecord read(WalRecord record) {
    return read(Payload.of(record, "CLOG"));
  }

  /// @throws WalException if it is of no known type, or not as long as its type is
  static CommitLogRecord read(Payload payload) {
    int width = pageWidth(payload);
    return switch (payload.type()) {
      case 0x00 -> {
        payload.requireExactly(width);
        yield new ZeroPage(page(payload));
      }
      case 0x10 -> {
        payload.requireExactly(width + 8L);
        yield new Truncate(page(payload), payload.i32(width), payload.i32(width + 4L));
      }
      default -> throw payload.unknownType();
    };
  }

  /// The bytes that a page number takes in records of this version.
  static int pageWidth(Payload payload) {
    return payload.version().isAtLeast(PgVersion.V17) ? 8 : 4;
  }

  /// The page number that the payload begins with.
  ///
  /// @throws WalException if it is negative
  static long page(Payload payload) {
    long page = pageWidth(payload) == 8 ? payload.i64(0) : payload.i32(0);
    if (page < 0) {
      throw payload.damaged("names the page " + page);
    }
    return page;
  }
}
