package dev.varve.postgres.record;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;

/// A database comes or goes.
///
/// | type                  | bytes | field                                                      |
/// |-----------------------|-------|------------------------------------------------------------|
/// | `00`                  | 0-15  | CREATE_FILE_COPY: database, its tablespace; the template, its tablespace |
/// | `10` (from 15)        | 0-7   | CREATE_WAL_LOG: database, its tablespace                   |
/// | `20` (version 14: `10`) | 0-3 | DROP: database                                             |
/// |                       | 4-7   | number of tablespaces                                      |
/// |                       | 8-    | the tablespaces in which the database has a folder         |
///
/// PostgreSQL's `commands/dbcommands_xlog.h`.
public sealed interface DatabaseRecord {

  int database();

  /// All files in the template's folder of one tablespace are copied as they are at this moment;
  /// nothing else about them is in the log.
  record CreateFileCopy(int database, int tablespace, int template, int templateTablespace)
      implements DatabaseRecord {}

  /// The folder and its PG_VERSION file are made; records of their own bring the contents.
  record CreateWalLog(int database, int tablespace) implements DatabaseRecord {}

  /// The database's folders in these tablespaces are removed.
  record Drop(int database, List<Integer> tablespaces) implements DatabaseRecord {}

  /// @throws WalException if it is of no known type, or not as long as its type is
  static DatabaseRecord read(WalRecord record) {
    return read(Payload.of(record, "Database"));
  }

  /// @throws WalException if it is of no known type, or not as long as its type is
  static DatabaseRecord read(Payload payload) {
    boolean old = payload.version() == PgVersion.V14;
    return switch (payload.type()) {
      case 0x00 -> {
        payload.requireExactly(16);
        yield new CreateFileCopy(payload.i32(0), payload.i32(4), payload.i32(8), payload.i32(12));
      }
      case 0x10 -> old ? drop(payload) : createWalLog(payload);
      case 0x20 -> {
        if (old) {
          throw payload.unknownType();
        }
        yield drop(payload);
      }
      default -> throw payload.unknownType();
    };
  }

  private static CreateWalLog createWalLog(Payload payload) {
    payload.requireExactly(8);
    return new CreateWalLog(payload.i32(0), payload.i32(4));
  }

  private static Drop drop(Payload payload) {
    int count = payload.count(4, 8, 4);
    payload.requireExactly(8 + 4L * count);
    List<Integer> tablespaces = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      tablespaces.add(payload.i32(8 + 4L * i));
    }
    return new Drop(payload.i32(0), List.copyOf(tablespaces));
  }
}
