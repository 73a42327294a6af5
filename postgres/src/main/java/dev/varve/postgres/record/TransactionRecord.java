package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/// The end of a transaction: COMMIT, ABORT, COMMIT_PREPARED or ABORT_PREPARED. A flyweight over
/// borrowed bytes that is reused for every record: nothing is allocated. Not thread-safe.
///
/// The type is `info & 70`: `00` COMMIT, `20` ABORT, `30` COMMIT_PREPARED, `40` ABORT_PREPARED. The
/// parts follow each other without padding:
///
/// | part            | present if      | layout                                                        |
/// |-----------------|-----------------|---------------------------------------------------------------|
/// | time            | always          | `i64`, microseconds since 2000                                |
/// | xinfo           | info has `80`   | `u32`; which of these parts there are                         |
/// | database        | xinfo bit 0     | database, its tablespace                                      |
/// | subtransactions | bit 1           | count, then a transaction id for each                         |
/// | relations       | bit 2           | count, then tablespace, database, relation for each: their files go |
/// | statistics      | bit 8, from 15  | count, then 12 bytes for each, 16 in version 18: skipped      |
/// | invalidations   | bit 3           | count, then 16 bytes for each: skipped                        |
/// | prepared        | bit 4           | id of the transaction that had been prepared                  |
/// | its name        | bits 4 and 7    | text ended by a zero byte                                     |
/// | origin          | bit 5           | LSN at the origin, time there in microseconds since 2000      |
///
/// Bits 6 (held exclusive locks), 29 (commit was awaited at the standby), 30 (relation cache file
/// is stale) and 31 (synchronous) announce no parts. PostgreSQL's `access/xact.h`.
public final class TransactionRecord {

  private static final int OPERATION = 0x70;
  private static final int COMMIT = 0x00;
  private static final int PREPARE = 0x10;
  private static final int ABORT = 0x20;
  private static final int COMMIT_PREPARED = 0x30;
  private static final int ABORT_PREPARED = 0x40;

  private static final int HAS_INFO = 0x80;
  private static final int HAS_DATABASE = 1;
  private static final int HAS_SUBTRANSACTIONS = 1 << 1;
  private static final int HAS_RELATIONS = 1 << 2;
  private static final int HAS_INVALIDATIONS = 1 << 3;
  private static final int HAS_PREPARED = 1 << 4;
  private static final int HAS_ORIGIN = 1 << 5;
  private static final int HAS_NAME = 1 << 7;
  private static final int HAS_STATISTICS = 1 << 8;
  private static final int STALE_RELATION_CACHE = 1 << 30;
  private static final int KNOWN = 0xE000_01FF;

  private static final int XID = 4;
  private static final int RELATION = 12;
  private static final int INVALIDATION = 16;

  private PgVersion version = PgVersion.V14;
  private MemorySegment bytes = MemorySegment.NULL;
  private long lsn;
  private long cursor;
  private long end;
  private int operation;
  private int xid;
  private int xinfo;
  private long time;
  private long databaseAt;
  private int subtransactions;
  private long subtransactionsAt;
  private int relations;
  private long relationsAt;
  private long nameAt;
  private int nameLength;
  private long originAt;

  /// Whether a record of the Transaction resource manager is one of the four that this class reads.
  public static boolean isEnd(int info) {
    int operation = info & OPERATION;
    return operation == COMMIT
        || operation == ABORT
        || operation == COMMIT_PREPARED
        || operation == ABORT_PREPARED;
  }

  /// Whether a record of the Transaction resource manager is a {@link PreparedTransaction}.
  public static boolean isPrepare(int info) {
    return (info & OPERATION) == PREPARE;
  }

  /// Reads a record for which {@link #isEnd} holds; forgets the one before.
  ///
  /// @throws WalException if its parts do not fill its main data exactly; what the accessors return
  ///   is then undefined
  public void parse(WalRecord record) {
    parse(
        record.version(),
        record.bytes(),
        record.mainDataOffset(),
        record.mainDataLength(),
        record.info(),
        record.xid(),
        record.startLsn());
  }

  /// Reads the main data at `offset`. `recordXid` and `recordLsn` come from the record's header.
  ///
  /// @throws WalException as {@link #parse(WalRecord)} does
  public void parse(
      PgVersion version,
      MemorySegment bytes,
      long offset,
      int length,
      int info,
      int recordXid,
      long recordLsn) {
    this.version = version;
    this.bytes = bytes;
    this.lsn = recordLsn;
    this.cursor = offset;
    this.end = offset + length;
    this.operation = info & OPERATION;
    this.xid = recordXid;
    if (!isEnd(info)) {
      throw damaged("is not the end of a transaction");
    }
    time = bytes.get(LONG, take(8));
    xinfo = (info & HAS_INFO) == 0 ? 0 : bytes.get(INT, take(4));
    if ((xinfo & ~KNOWN) != 0 || (has(HAS_STATISTICS) && version == PgVersion.V14)) {
      throw damaged("has unknown parts: " + Integer.toHexString(xinfo));
    }
    parseCounted();
    parsePrepared();
    originAt = has(HAS_ORIGIN) ? take(16) : 0;
    if (cursor != end) {
      throw damaged("has " + (end - cursor) + " bytes too many");
    }
  }

  private void parseCounted() {
    databaseAt = has(HAS_DATABASE) ? take(8) : 0;
    subtransactions = has(HAS_SUBTRANSACTIONS) ? count(XID) : 0;
    subtransactionsAt = take(subtransactions * XID);
    relations = has(HAS_RELATIONS) ? count(RELATION) : 0;
    relationsAt = take(relations * RELATION);
    if (has(HAS_STATISTICS)) {
      int size = PreparedTransaction.statisticsSize(version);
      take(count(size) * size);
    }
    if (has(HAS_INVALIDATIONS)) {
      take(count(INVALIDATION) * INVALIDATION);
    }
  }

  private void parsePrepared() {
    nameLength = 0;
    if (has(HAS_PREPARED)) {
      xid = bytes.get(INT, take(4));
      if (has(HAS_NAME)) {
        nameAt = cursor;
        while (bytes.get(BYTE, take(1)) != 0) {
          nameLength++;
        }
      }
    } else if (isPrepared()) {
      throw damaged("does not say which prepared transaction it ends");
    }
  }

  private boolean has(int flag) {
    return (xinfo & flag) != 0;
  }

  /// Where the next `length` bytes are; they are there.
  private long take(int length) {
    long at = cursor;
    if (length > end - at) {
      throw damaged("ends " + (length - (end - at)) + " bytes too early");
    }
    cursor = at + length;
    return at;
  }

  /// A count that announces no more items of `size` bytes than there is room for.
  private int count(int size) {
    int count = bytes.get(INT, take(4));
    if (count < 0 || count > (end - cursor) / size) {
      throw damaged("announces " + Integer.toUnsignedString(count) + " items");
    }
    return count;
  }

  private WalException damaged(String finding) {
    return new WalException(
        lsn, "the Transaction record of type " + Integer.toHexString(operation) + " " + finding);
  }

  /// Whether the transaction was committed; it was aborted otherwise.
  public boolean isCommit() {
    return operation == COMMIT || operation == COMMIT_PREPARED;
  }

  /// Whether the transaction had been prepared.
  public boolean isPrepared() {
    return operation == COMMIT_PREPARED || operation == ABORT_PREPARED;
  }

  /// The transaction that ends. For a prepared one, that is not the transaction of the record's
  /// header. May be 0 for an abort of a transaction that had no id.
  public int xid() {
    return xid;
  }

  /// When it ended, in microseconds since 2000.
  public long time() {
    return time;
  }

  /// The database that the transaction ran in, or 0 where the record does not say.
  public int database() {
    return databaseAt == 0 ? 0 : bytes.get(INT, databaseAt);
  }

  public int subtransactionCount() {
    return subtransactions;
  }

  public int subtransaction(int i) {
    return bytes.get(INT, subtransactionsAt + (long) checked(i, subtransactions) * XID);
  }

  /// How many relations lose all files of all forks by this end.
  public int relationCount() {
    return relations;
  }

  public int tablespace(int i) {
    return bytes.get(INT, relationAt(i));
  }

  public int database(int i) {
    return bytes.get(INT, relationAt(i) + 4);
  }

  public int relation(int i) {
    return bytes.get(INT, relationAt(i) + 8);
  }

  private long relationAt(int i) {
    return relationsAt + (long) checked(i, relations) * RELATION;
  }

  private static int checked(int i, int count) {
    if (i < 0 || i >= count) {
      throw new IllegalArgumentException("item " + i + " of " + count);
    }
    return i;
  }

  /// Whether the relation cache files (`pg_internal.init`) are stale from here on.
  public boolean staleRelationCache() {
    return has(STALE_RELATION_CACHE);
  }

  /// The name under which the transaction had been prepared, or empty.
  public String name() {
    return nameLength == 0
        ? ""
        : new String(bytes.asSlice(nameAt, nameLength).toArray(BYTE), StandardCharsets.UTF_8);
  }

  /// Whether the transaction was replayed from a replication origin; the record's header names it.
  public boolean hasOrigin() {
    return originAt != 0;
  }

  /// The end of the transaction at its origin, or 0.
  public long originLsn() {
    return hasOrigin() ? bytes.get(LONG, originAt) : 0;
  }

  /// When it ended at its origin, in microseconds since 2000, or 0.
  public long originTime() {
    return hasOrigin() ? bytes.get(LONG, originAt + 8) : 0;
  }

  @Override
  public String toString() {
    return (isCommit() ? "commit of " : "abort of ")
        + Integer.toUnsignedString(xid)
        + " at "
        + Lsn.format(lsn);
  }
}
