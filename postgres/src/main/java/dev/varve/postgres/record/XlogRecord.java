package dev.varve.postgres.record;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ServerParameters;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;

/// What the log says about itself and the server: the records of the XLOG resource manager.
///
/// | type      | bytes | field                                                                  |
/// |-----------|-------|------------------------------------------------------------------------|
/// | `00` `10` | 0-87  | CHECKPOINT_SHUTDOWN, CHECKPOINT_ONLINE: {@link CheckPoint}             |
/// | `20`      |       | NOOP                                                                   |
/// | `30`      | 0-3   | NEXTOID: OIDs below this one may be in use                             |
/// | `40`      |       | SWITCH: the rest of the segment is empty                               |
/// | `50`      | 0-7   | BACKUP_END: redo location of the backup's first checkpoint             |
/// | `60`      | 0-27  | PARAMETER_CHANGE: {@link ServerParameters}                             |
/// | `70`      | 0-7   | RESTORE_POINT: time, in microseconds since 2000                        |
/// |           | 8-71  | its name, ended by a zero byte                                         |
/// | `80`      | 0     | FPW_CHANGE: whether full-page writes are on                            |
/// | `90`      | 0-7   | END_OF_RECOVERY: time, in microseconds since 2000                      |
/// |           | 8-15  | PostgreSQL timeline that begins, the one that it forks off from        |
/// |           | 16-23 | from version 17: `wal_level`, 4 bytes of padding                       |
/// | `A0` `B0` |       | FPI_FOR_HINT, FPI: nothing but page images                             |
/// | `D0`      | 0-7   | OVERWRITE_CONTRECORD: where the record begins that was given up        |
/// |           | 8-15  | time, in microseconds since 2000                                       |
/// | `E0`      | 0-3   | from version 17: CHECKPOINT_REDO: `wal_level`                          |
///
/// PostgreSQL's `catalog/pg_control.h` and `access/xlog_internal.h`.
public sealed interface XlogRecord {

  /// @param checkPoint a copy, the receiver's own
  record Checkpoint(boolean shutdown, CheckPoint checkPoint) implements XlogRecord {}

  record Noop() implements XlogRecord {}

  record NextOid(int oid) implements XlogRecord {}

  record Switch() implements XlogRecord {}

  record BackupEnd(long startLsn) implements XlogRecord {}

  record ParameterChange(ServerParameters parameters) implements XlogRecord {}

  record RestorePoint(long microsSince2000, String name) implements XlogRecord {}

  record FullPageWrites(boolean on) implements XlogRecord {}

  /// @param walLevel -1 before version 17
  record EndOfRecovery(long microsSince2000, int tli, int previousTli, int walLevel)
      implements XlogRecord {}

  record PageImages(boolean forHint) implements XlogRecord {}

  record OverwriteContrecord(long overwrittenLsn, long microsSince2000) implements XlogRecord {}

  record CheckpointRedo(int walLevel) implements XlogRecord {}

  /// @throws WalException if it is of no type of this version, or not as long as its type is
  static XlogRecord read(WalRecord record) {
    return read(Payload.of(record, "XLOG"));
  }

  /// @throws WalException if it is of no type of this version, or not as long as its type is
  static XlogRecord read(Payload payload) {
    return switch (payload.type()) {
      case 0x00, 0x10 -> checkpoint(payload);
      case 0x20 -> new Noop();
      case 0x30 -> new NextOid(exactly(4, payload).i32(0));
      case 0x40 -> new Switch();
      case 0x50 -> new BackupEnd(exactly(8, payload).i64(0));
      case 0x60 -> {
        exactly(ServerParameters.BYTES, payload);
        yield new ParameterChange(ServerParameters.read(payload.bytes(), 0));
      }
      case 0x70 -> new RestorePoint(exactly(72, payload).i64(0), payload.text(8));
      case 0x80 -> new FullPageWrites(exactly(1, payload).u8(0) != 0);
      case 0x90 -> endOfRecovery(payload);
      case 0xA0, 0xB0 -> new PageImages(payload.type() == 0xA0);
      case 0xD0 -> new OverwriteContrecord(exactly(16, payload).i64(0), payload.i64(8));
      case 0xE0 -> checkpointRedo(payload);
      default -> throw payload.unknownType();
    };
  }

  private static Payload exactly(int length, Payload payload) {
    payload.requireExactly(length);
    return payload;
  }

  private static Checkpoint checkpoint(Payload payload) {
    exactly(CheckPoint.BYTES, payload);
    return new Checkpoint(
        payload.type() == 0, CheckPoint.read(payload.version(), payload.bytes(), 0));
  }

  private static EndOfRecovery endOfRecovery(Payload payload) {
    boolean withLevel = payload.version().isAtLeast(PgVersion.V17);
    exactly(withLevel ? 24 : 16, payload);
    return new EndOfRecovery(
        payload.i64(0), payload.i32(8), payload.i32(12), withLevel ? payload.i32(16) : -1);
  }

  private static CheckpointRedo checkpointRedo(Payload payload) {
    if (!payload.version().isAtLeast(PgVersion.V17)) {
      throw payload.unknownType();
    }
    return new CheckpointRedo(exactly(4, payload).i32(0));
  }
}
