package dev.varve.datadir;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.postgres.slru.Slru;
import dev.varve.postgres.wal.WalRecord;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// The key space of a PostgreSQL data directory: which {@link Key} holds what.
///
/// Fields in the order of the key; a field that is not named is 0. "value" is an image of its own
/// length, "page" an image or changes of 8192 bytes. Numbers in values are little-endian.
///
/// | kind | tablespace | database      | relation      | fork  | block | holds                                |
/// |------|------------|---------------|---------------|-------|-------|--------------------------------------|
/// | 00   | tablespace | database      | relation      | fork  | block | page of a relation                   |
/// | 00   | tablespace | database      | 0             | 0     | 0     | value: `pg_filenode.map`, whole      |
/// | 01   | slru       | 1             | segment       | 0     | page  | page of an SLRU segment, 0 to 31     |
/// | 03   | 0          | 0             | 0             | 0     | 0     | value: `pg_control`, whole           |
/// | 03   | 0          | 0             | 0             | 0     | 1     | value: the running checkpoint, 88 bytes |
/// | 03   | 0          | 0             | 0             | 0     | 2     | value: next transaction ID, u64      |
/// | 61   | tablespace | database      | relation      | fork  | 0     | value: blocks, u32                   |
/// | 62   | hash 0-3   | hash 4-7      | hash 8-11     | h. 12 | 13-16 | value: another file, see {@link OtherFile} |
/// | 63   | 0          | 0             | 0             | 0     | id    | value: replication origin, see {@link ReplicationOrigin} |
/// | 64   | tablespace | database      | 0             | 0     | 0     | value: contents of `PG_VERSION`      |
/// | 65   | hash 0-3   | hash 4-7      | hash 8-11     | h. 12 | 13-16 | value: piece of another file         |
/// | 66   | slru       | 0             | segment       | 0     | 0     | value: pages in the segment, u32     |
/// | 67   | 0          | xid, high     | xid, low      | 0     | 0     | value: two-phase state file, whole   |
/// | 68   | OID        | 0             | 0             | 0     | 0     | value: see {@link Tablespace}        |
/// | 69   | 0          | bucket, high  | bucket, low   | 0     | 0     | one *change* a commit: its time, i64 |
/// | 6A   | 0          | bucket, high  | bucket, low   | 0     | 0     | value: greatest commit time before the bucket, i64 |
///
/// * An empty value is a tombstone: the thing was dropped. What exists at an LSN is what its size
///   (61, 66), database (64) or own value says; page keys of dropped or truncated things stay.
/// * `slru`: 0 `pg_xact`, 1 `pg_multixact/members`, 2 `pg_multixact/offsets`, 3 `pg_commit_ts`.
/// * The next transaction ID (64 bits, with its epoch) at an LSN is the greater one of (03,…,1) and
///   (03,…,2): the second is written when a record changes nothing else of the checkpoint.
/// * `bucket` is a commit's LSN divided by 2^24, as 64 bits. Times are microseconds since
///   2000-01-01, as PostgreSQL's.
/// * The hash of another file is the first 17 bytes of SHA-256 over its path; of a piece, over the
///   path, a zero byte and the piece's decimal number, from 0.
public final class DirectoryKeys {

  public static final int PAGE = 0x00;
  public static final int SLRU_PAGE = 0x01;
  public static final int CONTROL = 0x03;
  public static final int RELATION_SIZE = 0x61;
  public static final int OTHER_FILE = 0x62;
  public static final int REPLICATION_ORIGIN = 0x63;
  public static final int DATABASE = 0x64;
  public static final int OTHER_FILE_PIECE = 0x65;
  public static final int SLRU_SIZE = 0x66;
  public static final int PREPARED = 0x67;
  public static final int TABLESPACE = 0x68;
  public static final int COMMIT_TIME = 0x69;
  public static final int COMMIT_TIME_BEFORE = 0x6A;

  /// Tablespace `pg_default`.
  public static final int DEFAULT_TABLESPACE = 1663;

  /// Tablespace `pg_global`.
  public static final int GLOBAL_TABLESPACE = 1664;

  /// The control file, `global/pg_control`.
  public static final Key CONTROL_FILE = new Key(CONTROL, 0, 0, 0, 0, 0);

  /// The running checkpoint.
  public static final Key CHECKPOINT = new Key(CONTROL, 0, 0, 0, 0, 1);

  /// The next transaction ID, where it alone changed.
  public static final Key NEXT_XID = new Key(CONTROL, 0, 0, 0, 0, 2);

  private static final int SLRU_PAGE_MARK = 1;
  private static final int BUCKET_SHIFT = 24;

  private DirectoryKeys() {}

  /// The range of all keys of one kind.
  public static KeyRange kind(int kind) {
    return new KeyRange(new Key(kind, 0, 0, 0, 0, 0), new Key(kind + 1, 0, 0, 0, 0, 0));
  }

  public static Key relationBlock(RelationFork fork, int block) {
    return new Key(PAGE, fork.tablespace(), fork.database(), fork.relation(), fork.fork(), block);
  }

  /// The page that the `i`-th block reference of a record names.
  public static Key block(WalRecord record, int i) {
    return new Key(
        PAGE,
        record.tablespace(i),
        record.database(i),
        record.relation(i),
        record.fork(i),
        record.block(i));
  }

  public static Key relationSize(RelationFork fork) {
    return new Key(
        RELATION_SIZE, fork.tablespace(), fork.database(), fork.relation(), fork.fork(), 0);
  }

  /// The relation and fork of a key of kind {@link #RELATION_SIZE} or {@link #PAGE}.
  public static RelationFork relationOf(Key key) {
    return new RelationFork(key.tablespace(), key.database(), key.relation(), key.fork());
  }

  /// The sizes of all relations of a database in one tablespace.
  public static KeyRange relationSizes(int tablespace, int database) {
    Key start = new Key(RELATION_SIZE, tablespace, database, 0, 0, 0);
    return new KeyRange(start, new Key(RELATION_SIZE, tablespace, database, -1, 0xFF, -1));
  }

  public static Key relationMap(int tablespace, int database) {
    return new Key(PAGE, tablespace, database, 0, 0, 0);
  }

  public static Key database(int tablespace, int database) {
    return new Key(DATABASE, tablespace, database, 0, 0, 0);
  }

  /// @param page page number from the start of the SLRU, unsigned
  public static Key slruPage(Slru slru, int page) {
    return new Key(
        SLRU_PAGE, code(slru), SLRU_PAGE_MARK, Slru.segment(page), 0, Slru.pageInSegment(page));
  }

  public static Key slruSize(Slru slru, int segment) {
    return new Key(SLRU_SIZE, code(slru), 0, segment, 0, 0);
  }

  /// The size of the segment that an {@link #SLRU_PAGE} is in.
  static Key slruSizeOf(Key page) {
    return new Key(SLRU_SIZE, page.tablespace(), 0, page.relation(), 0, 0);
  }

  /// The first key after the blocks of a page's fork, or after the pages of its segment.
  static Key endOfFork(Key page) {
    return new Key(
        page.kind(), page.tablespace(), page.database(), page.relation(), page.fork() + 1, 0);
  }

  /// The sizes of all segments of one SLRU.
  public static KeyRange slruSizes(Slru slru) {
    return new KeyRange(
        new Key(SLRU_SIZE, code(slru), 0, 0, 0, 0), new Key(SLRU_SIZE, code(slru) + 1, 0, 0, 0, 0));
  }

  /// The number that stands for an SLRU in keys.
  public static int code(Slru slru) {
    return switch (slru) {
      case CLOG -> 0;
      case MULTIXACT_MEMBERS -> 1;
      case MULTIXACT_OFFSETS -> 2;
      case COMMIT_TS -> 3;
    };
  }

  /// @param xid as it is in the name of the state file: with its epoch from PostgreSQL 17 on
  public static Key prepared(long xid) {
    return new Key(PREPARED, 0, (int) (xid >>> 32), (int) xid, 0, 0);
  }

  public static Key tablespace(int tablespace) {
    return new Key(TABLESPACE, tablespace, 0, 0, 0, 0);
  }

  public static Key replicationOrigin(int id) {
    return new Key(REPLICATION_ORIGIN, 0, 0, 0, 0, id);
  }

  /// The bucket that holds the commit times of this stretch of 16 MiB of the log.
  public static long commitBucket(long lsn) {
    return lsn >>> BUCKET_SHIFT;
  }

  /// The first LSN of a bucket.
  public static long commitBucketStart(long bucket) {
    return bucket << BUCKET_SHIFT;
  }

  public static Key commitTimes(long bucket) {
    return new Key(COMMIT_TIME, 0, (int) (bucket >>> 32), (int) bucket, 0, 0);
  }

  public static Key commitTimeBefore(long bucket) {
    return new Key(COMMIT_TIME_BEFORE, 0, (int) (bucket >>> 32), (int) bucket, 0, 0);
  }

  /// The bucket of a key of kind {@link #COMMIT_TIME} or {@link #COMMIT_TIME_BEFORE}.
  public static long bucketOf(Key key) {
    return key.middle();
  }

  /// @param path within the data directory, with `/` between names
  public static Key otherFile(String path) {
    return hashed(OTHER_FILE, path);
  }

  /// A piece of a large file, numbered from 0.
  public static Key otherFilePiece(String path, int piece) {
    return hashed(OTHER_FILE_PIECE, path + '\0' + piece);
  }

  private static Key hashed(int kind, String text) {
    byte[] hash = sha256(text.getBytes(StandardCharsets.UTF_8));
    return new Key(
        kind,
        bigEndian(hash, 0),
        bigEndian(hash, 4),
        bigEndian(hash, 8),
        hash[12] & 0xFF,
        bigEndian(hash, 13));
  }

  private static int bigEndian(byte[] bytes, int at) {
    return (bytes[at] & 0xFF) << 24
        | (bytes[at + 1] & 0xFF) << 16
        | (bytes[at + 2] & 0xFF) << 8
        | (bytes[at + 3] & 0xFF);
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256", e);
    }
  }
}
