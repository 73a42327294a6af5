package dev.varve.postgres.control;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/// The control file, `global/pg_control`: 8192 bytes, of which the first 292 (from version 18: 296)
/// are used and the rest are zero. Mutable, for one thread.
///
/// | bytes   | field                                                                            |
/// |---------|----------------------------------------------------------------------------------|
/// | 0-7     | system identifier                                                                |
/// | 8-11    | version of this format: 1300 (14 to 16), 1700, 1800                              |
/// | 12-15   | version of the catalogs, one for each major version                              |
/// | 16-19   | {@link ClusterState}; 20-23 padding                                              |
/// | 24-31   | time of the last update, in seconds since 1970                                   |
/// | 32-39   | where the record of the last checkpoint begins                                   |
/// | 40-127  | that checkpoint: {@link CheckPoint}                                              |
/// | 128-135 | counter that stands for an LSN in unlogged relations                             |
/// | 136-143 | replay must get here before the data is consistent; 0 outside archive recovery   |
/// | 144-147 | the PostgreSQL timeline of that; 148-151 padding                                 |
/// | 152-159 | start of the backup that is being recovered from, or 0                           |
/// | 160-167 | end of that backup, if it was taken from a standby, or 0                         |
/// | 168     | whether a record of the backup's end must come; 169-171 padding                  |
/// | 172-175 | `wal_level`: 0 minimal, 1 replica, 2 logical                                     |
/// | 176     | `wal_log_hints`; 177-179 padding                                                 |
/// | 180-199 | `max_connections`, `max_worker_processes`, `max_wal_senders`, `max_prepared_transactions`, `max_locks_per_transaction` |
/// | 200     | `track_commit_timestamp`; 201-203 padding                                        |
/// | 204-215 | alignment (8), then 1234567.0 as a double                                        |
/// | 216-231 | page size, blocks in a relation segment, WAL page size, WAL segment size         |
/// | 232-247 | length of a name (64), columns of an index (32), TOAST chunk (1996), large object chunk (2048) |
/// | 248     | whether 8-byte values are passed by value (1); 249-251 padding                   |
/// | 252-255 | version of the data checksums; 0 is off                                          |
/// | 256     | from 18: whether `char` is signed; all that follows is then one byte further on  |
/// | 256-287 | nonce for authentication                                                         |
/// | 288-291 | CRC-32C of all before it (18: 292-295, after 3 bytes of padding)                 |
///
/// PostgreSQL's `catalog/pg_control.h`.
public final class ControlFile {

  public static final int BYTES = 8192;

  private static final int CHECK_POINT_COPY = 40;
  private static final int BLOCK_SIZE = 8192;
  private static final int SEGMENT_BLOCKS = 131_072;

  /// 1234567.0, as the bits of a double.
  private static final long FLOAT_FORMAT = Double.doubleToLongBits(1_234_567.0);

  private final PgVersion version;
  private final MemorySegment bytes;

  private ControlFile(PgVersion version, MemorySegment bytes) {
    this.version = version;
    this.bytes = bytes;
  }

  /// Copies and validates a control file.
  ///
  /// @throws PageserverException.DataCorrupted if it is torn or damaged
  /// @throws PageserverException.InvalidRequest if it is of a version or a build that Varve can't
  ///   work with
  public static ControlFile parse(MemorySegment source) {
    if (source.byteSize() != BYTES) {
      throw new PageserverException.DataCorrupted(
          "the control file has " + source.byteSize() + " bytes instead of " + BYTES);
    }
    MemorySegment bytes = MemorySegment.ofArray(source.toArray(BYTE));
    PgVersion version = ControlVersions.of(bytes.get(INT, 8), bytes.get(INT, 12));
    var file = new ControlFile(version, bytes);
    file.check();
    return file;
  }

  private void check() {
    if (bytes.get(INT, crcOffset()) != crc()) {
      throw new PageserverException.DataCorrupted(
          "the control file's checksum is wrong: it is torn or damaged");
    }
    ClusterState.of(bytes.get(INT, 16));
    require("alignment", bytes.get(INT, 204), 8);
    require("floating-point format", bytes.get(LONG, 208), FLOAT_FORMAT);
    require("page size", bytes.get(INT, 216), BLOCK_SIZE);
    require("number of blocks in a segment file", bytes.get(INT, 220), SEGMENT_BLOCKS);
    require("WAL page size", bytes.get(INT, 224), BLOCK_SIZE);
    int segmentSize = walSegmentSize();
    if (Integer.bitCount(segmentSize) != 1 || segmentSize < 1 << 20 || segmentSize > 1 << 30) {
      throw new PageserverException.DataCorrupted(
          "the control file gives WAL segments of " + segmentSize + " bytes");
    }
  }

  private static void require(String what, long found, long wanted) {
    if (found != wanted) {
      throw new PageserverException.InvalidRequest(
          "the cluster's %s is %s, but Varve works with PostgreSQL built for %s only"
              .formatted(what, found, wanted));
    }
  }

  private int crcOffset() {
    return version.compareTo(PgVersion.V18) >= 0 ? 292 : 288;
  }

  private int crc() {
    var crc = new CRC32C();
    crc.update(bytes.asSlice(0, crcOffset()).asByteBuffer());
    return (int) crc.getValue();
  }

  /// The file as it goes to disk, with its checksum computed anew.
  public byte[] toBytes() {
    bytes.set(INT, crcOffset(), crc());
    return bytes.toArray(BYTE);
  }

  /// A copy that can be changed without changing this one.
  public ControlFile copy() {
    return new ControlFile(version, MemorySegment.ofArray(bytes.toArray(BYTE)));
  }

  public PgVersion version() {
    return version;
  }

  public long systemIdentifier() {
    return bytes.get(LONG, 0);
  }

  public void setSystemIdentifier(long identifier) {
    bytes.set(LONG, 0, identifier);
  }

  public int controlVersion() {
    return bytes.get(INT, 8);
  }

  public int catalogVersion() {
    return bytes.get(INT, 12);
  }

  public ClusterState state() {
    return ClusterState.of(bytes.get(INT, 16));
  }

  public void setState(ClusterState state) {
    bytes.set(INT, 16, state.number());
  }

  /// Seconds since 1970.
  public long time() {
    return bytes.get(LONG, 24);
  }

  public void setTime(long secondsSince1970) {
    bytes.set(LONG, 24, secondsSince1970);
  }

  /// Where the record of the last checkpoint *begins*.
  public long checkPointLsn() {
    return bytes.get(LONG, 32);
  }

  public void setCheckPointLsn(long lsn) {
    bytes.set(LONG, 32, lsn);
  }

  /// A copy of the last checkpoint.
  public CheckPoint checkPoint() {
    return CheckPoint.read(version, bytes, CHECK_POINT_COPY);
  }

  /// @throws IllegalArgumentException if it is of another version
  public void setCheckPoint(CheckPoint checkPoint) {
    if (checkPoint.version() != version) {
      throw new IllegalArgumentException(
          "a checkpoint of " + checkPoint.version() + " in a control file of " + version);
    }
    checkPoint.write(bytes, CHECK_POINT_COPY);
  }

  public long unloggedLsn() {
    return bytes.get(LONG, 128);
  }

  public void setUnloggedLsn(long lsn) {
    bytes.set(LONG, 128, lsn);
  }

  public long minRecoveryPoint() {
    return bytes.get(LONG, 136);
  }

  public int minRecoveryPointTli() {
    return bytes.get(INT, 144);
  }

  public void setMinRecoveryPoint(long lsn, int tli) {
    bytes.set(LONG, 136, lsn);
    bytes.set(INT, 144, tli);
  }

  public long backupStartPoint() {
    return bytes.get(LONG, 152);
  }

  public long backupEndPoint() {
    return bytes.get(LONG, 160);
  }

  public boolean backupEndRequired() {
    return bytes.get(BYTE, 168) != 0;
  }

  public void setBackup(long startPoint, long endPoint, boolean endRequired) {
    bytes.set(LONG, 152, startPoint);
    bytes.set(LONG, 160, endPoint);
    bytes.set(BYTE, 168, (byte) (endRequired ? 1 : 0));
  }

  /// The settings that decide what the WAL is good for.
  public ServerParameters parameters() {
    return ServerParameters.readControlFile(bytes);
  }

  public void setParameters(ServerParameters parameters) {
    parameters.writeControlFile(bytes);
  }

  /// Bytes in a WAL segment.
  public int walSegmentSize() {
    return bytes.get(INT, 228);
  }

  /// @throws IllegalArgumentException unless it is a power of two from 1 MiB to 1 GiB
  public void setWalSegmentSize(int size) {
    if (Integer.bitCount(size) != 1 || size < 1 << 20 || size > 1 << 30) {
      throw new IllegalArgumentException("no size of a WAL segment: " + size);
    }
    bytes.set(INT, 228, size);
  }

  /// 0 when data checksums are off.
  public int dataChecksumVersion() {
    return bytes.get(INT, 252);
  }

  public void setDataChecksumVersion(int checksumVersion) {
    bytes.set(INT, 252, checksumVersion);
  }

  @Override
  public String toString() {
    return "control file of %s, system %s, %s, %s"
        .formatted(version, Long.toUnsignedString(systemIdentifier()), state(), checkPoint());
  }
}
