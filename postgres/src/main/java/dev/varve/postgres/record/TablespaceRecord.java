package dev.varve.postgres.record;

import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;

/// A tablespace comes or goes.
///
/// | type | bytes | field                                                                       |
/// |------|-------|-----------------------------------------------------------------------------|
/// | `00` | 0-3   | CREATE: its OID                                                             |
/// |      | 4-    | the folder it is in, ended by a zero byte; empty: a folder in pg_tblspc itself |
/// | `10` | 0-3   | DROP: its OID                                                               |
///
/// PostgreSQL's `commands/tablespace.h`.
public sealed interface TablespaceRecord {

  int tablespace();

  record Create(int tablespace, String location) implements TablespaceRecord {}

  record Drop(int tablespace) implements TablespaceRecord {}

  /// @throws WalException if it is of no known type, or not as long as its type is
  static TablespaceRecord read(WalRecord record) {
    return read(Payload.of(record, "Tablespace"));
  }

  /// @throws WalException if it is of no known type, or not as long as its type is
  static TablespaceRecord read(Payload payload) {
    return switch (payload.type()) {
      case 0x00 -> new Create(payload.i32(0), payload.text(4));
      case 0x10 -> {
        payload.requireExactly(4);
        yield new Drop(payload.i32(0));
      }
      default -> throw payload.unknownType();
    };
  }
}
