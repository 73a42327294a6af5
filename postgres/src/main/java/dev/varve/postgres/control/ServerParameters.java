package dev.varve.postgres.control;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;

import java.lang.foreign.MemorySegment;

/// The settings that a standby must match, in the control file and in records that announce a
/// change of them. `walLevel` is 0 minimal, 1 replica, 2 logical.
///
/// | bytes | in the body of a PARAMETER_CHANGE record                                       |
/// |-------|--------------------------------------------------------------------------------|
/// | 0-19  | `max_connections`, `max_worker_processes`, `max_wal_senders`, `max_prepared_transactions`, `max_locks_per_transaction`: an `i32` each |
/// | 20-23 | `wal_level`                                                                    |
/// | 24    | `wal_log_hints`                                                                |
/// | 25    | `track_commit_timestamp`; 26-27 padding                                        |
///
/// PostgreSQL's `access/xlog_internal.h`; for the control file see {@link ControlFile}.
public record ServerParameters(
    int maxConnections,
    int maxWorkerProcesses,
    int maxWalSenders,
    int maxPreparedTransactions,
    int maxLocksPerTransaction,
    int walLevel,
    boolean walLogHints,
    boolean trackCommitTimestamp) {

  /// The `walLevel` whose log does not have all that recovery needs but after a crash.
  public static final int MINIMAL = 0;

  /// The size of the body of a PARAMETER_CHANGE record.
  public static final int BYTES = 28;

  /// Reads the body of a PARAMETER_CHANGE record.
  ///
  /// @throws IndexOutOfBoundsException if there are fewer than {@link #BYTES} bytes from `offset`
  public static ServerParameters read(MemorySegment bytes, long offset) {
    return new ServerParameters(
        bytes.get(INT, offset),
        bytes.get(INT, offset + 4),
        bytes.get(INT, offset + 8),
        bytes.get(INT, offset + 12),
        bytes.get(INT, offset + 16),
        bytes.get(INT, offset + 20),
        bytes.get(BYTE, offset + 24) != 0,
        bytes.get(BYTE, offset + 25) != 0);
  }

  static ServerParameters readControlFile(MemorySegment file) {
    return new ServerParameters(
        file.get(INT, 180),
        file.get(INT, 184),
        file.get(INT, 188),
        file.get(INT, 192),
        file.get(INT, 196),
        file.get(INT, 172),
        file.get(BYTE, 176) != 0,
        file.get(BYTE, 200) != 0);
  }

  void writeControlFile(MemorySegment file) {
    file.set(INT, 180, maxConnections);
    file.set(INT, 184, maxWorkerProcesses);
    file.set(INT, 188, maxWalSenders);
    file.set(INT, 192, maxPreparedTransactions);
    file.set(INT, 196, maxLocksPerTransaction);
    file.set(INT, 172, walLevel);
    file.set(BYTE, 176, (byte) (walLogHints ? 1 : 0));
    file.set(BYTE, 200, (byte) (trackCommitTimestamp ? 1 : 0));
  }
}
