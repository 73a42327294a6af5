package dev.varve.postgres.control;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;

/// What a checkpoint says: the body of a checkpoint record, and a part of the control file.
/// Mutable, for one thread.
///
/// | bytes | field                                                                              |
/// |-------|------------------------------------------------------------------------------------|
/// | 0-7   | redo: where replay begins                                                          |
/// | 8-11  | PostgreSQL timeline                                                                |
/// | 12-15 | the PostgreSQL timeline before, if the record begins a new one; else the same      |
/// | 16    | whether full-page writes are on; 17-19 padding                                     |
/// | 20-23 | from version 17: `wal_level` (0 minimal, 1 replica, 2 logical); before: padding    |
/// | 24-31 | next transaction id, with the epoch in the high half                               |
/// | 32-35 | next OID                                                                           |
/// | 36-39 | next multixact id                                                                  |
/// | 40-43 | next multixact member offset                                                       |
/// | 44-51 | oldest unfrozen transaction id of all databases, OID of the database that has it   |
/// | 52-59 | oldest multixact id of all databases, OID of the database that has it; 60-63 padding |
/// | 64-71 | time of the checkpoint, in seconds since 1970                                      |
/// | 72-79 | oldest, newest transaction id with a commit timestamp                              |
/// | 80-83 | oldest running transaction id; 0 in a shutdown checkpoint; 84-87 padding           |
///
/// PostgreSQL's `catalog/pg_control.h`. Transaction ids, multixact ids, offsets and OIDs are
/// unsigned. Padding is kept as it was read.
public final class CheckPoint {

  public static final int BYTES = 88;

  private static final int REDO = 0;
  private static final int TIMELINE = 8;
  private static final int PREVIOUS_TIMELINE = 12;
  private static final int FULL_PAGE_WRITES = 16;
  private static final int WAL_LEVEL = 20;
  private static final int NEXT_XID = 24;
  private static final int NEXT_OID = 32;
  private static final int NEXT_MULTI = 36;
  private static final int NEXT_MULTI_OFFSET = 40;
  private static final int OLDEST_XID = 44;
  private static final int OLDEST_XID_DATABASE = 48;
  private static final int OLDEST_MULTI = 52;
  private static final int OLDEST_MULTI_DATABASE = 56;
  private static final int TIME = 64;
  private static final int OLDEST_COMMIT_TIMESTAMP_XID = 72;
  private static final int NEWEST_COMMIT_TIMESTAMP_XID = 76;
  private static final int OLDEST_ACTIVE_XID = 80;

  private final PgVersion version;
  private final MemorySegment bytes = MemorySegment.ofArray(new byte[BYTES]);

  /// A checkpoint of zeroes.
  public CheckPoint(PgVersion version) {
    this.version = version;
  }

  /// Copies the {@link #BYTES} bytes from `offset` on.
  ///
  /// @throws IndexOutOfBoundsException if there are fewer
  public static CheckPoint read(PgVersion version, MemorySegment source, long offset) {
    var checkPoint = new CheckPoint(version);
    MemorySegment.copy(source, offset, checkPoint.bytes, 0, BYTES);
    return checkPoint;
  }

  /// Writes {@link #BYTES} bytes from `offset` on.
  ///
  /// @throws IndexOutOfBoundsException if there is less room
  public void write(MemorySegment target, long offset) {
    MemorySegment.copy(bytes, 0, target, offset, BYTES);
  }

  public byte[] toBytes() {
    return bytes.toArray(BYTE);
  }

  public CheckPoint copy() {
    return read(version, bytes, 0);
  }

  public PgVersion version() {
    return version;
  }

  /// Where replay begins.
  public long redo() {
    return bytes.get(LONG, REDO);
  }

  public void setRedo(long lsn) {
    bytes.set(LONG, REDO, lsn);
  }

  /// The PostgreSQL timeline.
  public int tli() {
    return bytes.get(INT, TIMELINE);
  }

  public void setTli(int tli) {
    bytes.set(INT, TIMELINE, tli);
  }

  public int previousTli() {
    return bytes.get(INT, PREVIOUS_TIMELINE);
  }

  public void setPreviousTli(int tli) {
    bytes.set(INT, PREVIOUS_TIMELINE, tli);
  }

  public boolean fullPageWrites() {
    return bytes.get(BYTE, FULL_PAGE_WRITES) != 0;
  }

  public void setFullPageWrites(boolean on) {
    bytes.set(BYTE, FULL_PAGE_WRITES, (byte) (on ? 1 : 0));
  }

  /// Whether this version's checkpoints say what `wal_level` is.
  public boolean hasWalLevel() {
    return version.compareTo(PgVersion.V17) >= 0;
  }

  /// @throws IllegalStateException unless {@link #hasWalLevel()}
  public int walLevel() {
    requireWalLevel();
    return bytes.get(INT, WAL_LEVEL);
  }

  /// @throws IllegalStateException unless {@link #hasWalLevel()}
  public void setWalLevel(int level) {
    requireWalLevel();
    bytes.set(INT, WAL_LEVEL, level);
  }

  private void requireWalLevel() {
    if (!hasWalLevel()) {
      throw new IllegalStateException("a checkpoint of version " + version + " has no wal_level");
    }
  }

  /// The next transaction id: epoch in the high half.
  public long nextXid() {
    return bytes.get(LONG, NEXT_XID);
  }

  public void setNextXid(long fullXid) {
    bytes.set(LONG, NEXT_XID, fullXid);
  }

  public int nextOid() {
    return bytes.get(INT, NEXT_OID);
  }

  public void setNextOid(int oid) {
    bytes.set(INT, NEXT_OID, oid);
  }

  public int nextMulti() {
    return bytes.get(INT, NEXT_MULTI);
  }

  public void setNextMulti(int multi) {
    bytes.set(INT, NEXT_MULTI, multi);
  }

  public int nextMultiOffset() {
    return bytes.get(INT, NEXT_MULTI_OFFSET);
  }

  public void setNextMultiOffset(int offset) {
    bytes.set(INT, NEXT_MULTI_OFFSET, offset);
  }

  public int oldestXid() {
    return bytes.get(INT, OLDEST_XID);
  }

  public int oldestXidDatabase() {
    return bytes.get(INT, OLDEST_XID_DATABASE);
  }

  public void setOldestXid(int xid, int database) {
    bytes.set(INT, OLDEST_XID, xid);
    bytes.set(INT, OLDEST_XID_DATABASE, database);
  }

  public int oldestMulti() {
    return bytes.get(INT, OLDEST_MULTI);
  }

  public int oldestMultiDatabase() {
    return bytes.get(INT, OLDEST_MULTI_DATABASE);
  }

  public void setOldestMulti(int multi, int database) {
    bytes.set(INT, OLDEST_MULTI, multi);
    bytes.set(INT, OLDEST_MULTI_DATABASE, database);
  }

  /// Seconds since 1970.
  public long time() {
    return bytes.get(LONG, TIME);
  }

  public void setTime(long secondsSince1970) {
    bytes.set(LONG, TIME, secondsSince1970);
  }

  public int oldestCommitTimestampXid() {
    return bytes.get(INT, OLDEST_COMMIT_TIMESTAMP_XID);
  }

  public void setOldestCommitTimestampXid(int xid) {
    bytes.set(INT, OLDEST_COMMIT_TIMESTAMP_XID, xid);
  }

  public int newestCommitTimestampXid() {
    return bytes.get(INT, NEWEST_COMMIT_TIMESTAMP_XID);
  }

  public void setNewestCommitTimestampXid(int xid) {
    bytes.set(INT, NEWEST_COMMIT_TIMESTAMP_XID, xid);
  }

  /// The oldest running transaction, or 0 in a shutdown checkpoint.
  public int oldestActiveXid() {
    return bytes.get(INT, OLDEST_ACTIVE_XID);
  }

  public void setOldestActiveXid(int xid) {
    bytes.set(INT, OLDEST_ACTIVE_XID, xid);
  }

  @Override
  public boolean equals(Object that) {
    return that instanceof CheckPoint other
        && version == other.version
        && bytes.mismatch(other.bytes) < 0;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(redo()) * 31 + Long.hashCode(nextXid());
  }

  @Override
  public String toString() {
    return "checkpoint with redo at %s, PostgreSQL timeline %s, next xid %s:%s, oid %s, multi %s/%s"
        .formatted(
            Lsn.format(redo()),
            Integer.toUnsignedString(tli()),
            nextXid() >>> 32,
            nextXid() & 0xFFFF_FFFFL,
            Integer.toUnsignedString(nextOid()),
            Integer.toUnsignedString(nextMulti()),
            Integer.toUnsignedString(nextMultiOffset()));
  }
}
