package dev.varve.postgres.record;

import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;

/// The creation or truncation of a relation's files. (Their removal is part of a transaction's end:
/// {@link TransactionRecord}.)
///
/// | type | bytes | field                                                                       |
/// |------|-------|-----------------------------------------------------------------------------|
/// | `10` | 0-11  | CREATE: tablespace, database, relation                                      |
/// |      | 12-15 | fork                                                                        |
/// | `20` | 0-3   | TRUNCATE: the number of blocks that stay in the main fork                   |
/// |      | 4-15  | tablespace, database, relation                                              |
/// |      | 16-19 | which forks are cut: 1 main, 2 visibility map, 4 free space map             |
///
/// PostgreSQL's `catalog/storage_xlog.h`.
public sealed interface StorageRecord {

  int tablespace();

  int database();

  int relation();

  /// One fork comes into being, empty.
  record Create(int tablespace, int database, int relation, int fork) implements StorageRecord {}

  /// The relation is cut to `blocks` blocks (unsigned), and its maps with it.
  record Truncate(
      int blocks,
      int tablespace,
      int database,
      int relation,
      boolean main,
      boolean visibilityMap,
      boolean freeSpaceMap)
      implements StorageRecord {}

  /// @throws WalException if it is of no known type, or not as long as its type is
  static StorageRecord read(WalRecord record) {
    return read(Payload.of(record, "Storage"));
  }

  /// @throws WalException if it is of no known type, or not as long as its type is
  static StorageRecord read(Payload payload) {
    return switch (payload.type()) {
      case 0x10 -> {
        payload.requireExactly(16);
        int fork = payload.i32(12);
        if (fork < 0 || fork > 3) {
          throw payload.damaged("names the fork " + fork);
        }
        yield new Create(payload.i32(0), payload.i32(4), payload.i32(8), fork);
      }
      case 0x20 -> {
        payload.requireExactly(20);
        int flags = payload.i32(16);
        if ((flags & ~7) != 0) {
          throw payload.damaged("has the flags " + Integer.toHexString(flags));
        }
        yield new Truncate(
            payload.i32(0),
            payload.i32(4),
            payload.i32(8),
            payload.i32(12),
            (flags & 1) != 0,
            (flags & 2) != 0,
            (flags & 4) != 0);
      }
      default -> throw payload.unknownType();
    };
  }
}
