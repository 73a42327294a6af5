package dev.varve.postgres.record;

import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;

/// The progress of a replication origin is set outside a transaction, or forgotten.
///
/// | type | bytes | field                                                                       |
/// |------|-------|-----------------------------------------------------------------------------|
/// | `00` | 0-7   | SET: how far the origin has been replayed, as an LSN of its own             |
/// |      | 8-9   | the origin's number                                                         |
/// |      | 10    | whether it may go backwards; 11-15 padding                                  |
/// | `10` | 0-1   | DROP: the origin's number                                                   |
///
/// PostgreSQL's `replication/origin.h`.
public sealed interface OriginRecord {

  int origin();

  record Set(int origin, long remoteLsn, boolean force) implements OriginRecord {}

  record Drop(int origin) implements OriginRecord {}

  /// @throws WalException if it is of no known type, or not as long as its type is
  static OriginRecord read(WalRecord record) {
    return read(Payload.of(record, "ReplicationOrigin"));
  }

  /// @throws WalException if it is of no known type, or not as long as its type is
  static OriginRecord read(Payload payload) {
    return switch (payload.type()) {
      case 0x00 -> {
        payload.requireExactly(16);
        yield new Set(payload.u16(8), payload.i64(0), payload.u8(10) != 0);
      }
      case 0x10 -> {
        payload.requireExactly(2);
        yield new Drop(payload.u16(0));
      }
      default -> throw payload.unknownType();
    };
  }
}
