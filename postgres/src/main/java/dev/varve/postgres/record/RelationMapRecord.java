package dev.varve.postgres.record;

import dev.varve.postgres.relmap.RelationMap;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// A relation map is replaced whole: the one record type (`00`) of its resource manager.
///
/// | bytes | field                                                                             |
/// |-------|-----------------------------------------------------------------------------------|
/// | 0-3   | database; 0 for the map of the shared catalogs                                    |
/// | 4-7   | the database's tablespace, or 1664 (global)                                       |
/// | 8-11  | number of bytes that follow                                                       |
/// | 12-   | the file's new contents                                                           |
///
/// PostgreSQL's `utils/relmapper.h`.
///
/// @param contents borrowed from the record; checked to be a {@link RelationMap} of this version
public record RelationMapRecord(int database, int tablespace, MemorySegment contents) {

  /// @throws WalException if it is of another type, too short, or the map in it is damaged
  public static RelationMapRecord read(WalRecord record) {
    return read(Payload.of(record, "RelMap"));
  }

  /// @throws WalException if it is of another type, too short, or the map in it is damaged
  public static RelationMapRecord read(Payload payload) {
    if (payload.type() != 0) {
      throw payload.unknownType();
    }
    int length = payload.count(8, 12, 1);
    payload.requireExactly(12L + length);
    MemorySegment contents = payload.bytes().asSlice(12, length);
    String damage = RelationMap.damage(payload.version(), contents);
    if (damage != null) {
      throw payload.damaged("has a relation map that is damaged: " + damage);
    }
    return new RelationMapRecord(payload.i32(0), payload.i32(4), contents);
  }
}
