package dev.varve.postgres.wal;

import dev.varve.postgres.PgVersion;
import java.util.List;

/// The type of a record within its {@link ResourceManager}: the high four bits of the info byte (of
/// {@link ResourceManager#TRANSACTION}, of which the highest is a flag, the three below it).
///
/// The numbers are the same in PostgreSQL 14 to 18, with these differences:
///
/// | manager    | in          | number | is                                              |
/// |------------|-------------|-------:|-------------------------------------------------|
/// | `DATABASE` | 14          |   `10` | `DROP`; there is no `CREATE_WAL_LOG`            |
/// | `HEAP2`    | 14 to 16    |   `10` | `PRUNE`, a format of its own                    |
/// | `HEAP2`    | 14 to 16    |   `20` | `VACUUM`, a format of its own                   |
/// | `HEAP2`    | 14 to 16    |   `30` | `FREEZE_PAGE`, a format of its own              |
/// | `XLOG`     | 17 and later|   `E0` | `CHECKPOINT_REDO`; none before                  |
public final class RecordType {

  /// The bits of the info byte that are the type.
  public static final int MASK = 0xF0;

  /// The bits that are the type of a record of {@link ResourceManager#TRANSACTION}.
  public static final int TRANSACTION_MASK = 0x70;

  /// On an insertion, update or multi-insertion of `HEAP`, `HEAP2` (and `BRIN`, `INSERT` and
  /// `UPDATE` only): redo makes the page from nothing.
  public static final int INIT_PAGE = 0x80;

  public static final int XLOG_CHECKPOINT_SHUTDOWN = 0x00;
  public static final int XLOG_CHECKPOINT_ONLINE = 0x10;
  public static final int XLOG_NOOP = 0x20;
  public static final int XLOG_NEXTOID = 0x30;
  public static final int XLOG_SWITCH = 0x40;
  public static final int XLOG_BACKUP_END = 0x50;
  public static final int XLOG_PARAMETER_CHANGE = 0x60;
  public static final int XLOG_RESTORE_POINT = 0x70;
  public static final int XLOG_FPW_CHANGE = 0x80;
  public static final int XLOG_END_OF_RECOVERY = 0x90;
  public static final int XLOG_FPI_FOR_HINT = 0xA0;
  public static final int XLOG_FPI = 0xB0;
  public static final int XLOG_OVERWRITE_CONTRECORD = 0xD0;
  public static final int XLOG_CHECKPOINT_REDO = 0xE0;

  public static final int TRANSACTION_COMMIT = 0x00;
  public static final int TRANSACTION_PREPARE = 0x10;
  public static final int TRANSACTION_ABORT = 0x20;
  public static final int TRANSACTION_COMMIT_PREPARED = 0x30;
  public static final int TRANSACTION_ABORT_PREPARED = 0x40;
  public static final int TRANSACTION_ASSIGNMENT = 0x50;
  public static final int TRANSACTION_INVALIDATION = 0x60;

  public static final int STORAGE_CREATE = 0x10;
  public static final int STORAGE_TRUNCATE = 0x20;

  public static final int CLOG_ZEROPAGE = 0x00;
  public static final int CLOG_TRUNCATE = 0x10;

  public static final int DATABASE_CREATE_FILE_COPY = 0x00;
  public static final int DATABASE_CREATE_WAL_LOG = 0x10;
  public static final int DATABASE_DROP = 0x20;
  public static final int DATABASE_DROP_14 = 0x10;

  public static final int TABLESPACE_CREATE = 0x00;
  public static final int TABLESPACE_DROP = 0x10;

  public static final int MULTIXACT_ZERO_OFF_PAGE = 0x00;
  public static final int MULTIXACT_ZERO_MEM_PAGE = 0x10;
  public static final int MULTIXACT_CREATE_ID = 0x20;
  public static final int MULTIXACT_TRUNCATE_ID = 0x30;

  public static final int RELATION_MAP_UPDATE = 0x00;

  public static final int STANDBY_LOCK = 0x00;
  public static final int STANDBY_RUNNING_XACTS = 0x10;
  public static final int STANDBY_INVALIDATIONS = 0x20;

  public static final int HEAP2_REWRITE = 0x00;
  public static final int HEAP2_PRUNE_TO_16 = 0x10;
  public static final int HEAP2_VACUUM_TO_16 = 0x20;
  public static final int HEAP2_FREEZE_PAGE_TO_16 = 0x30;
  public static final int HEAP2_PRUNE_ON_ACCESS = 0x10;
  public static final int HEAP2_PRUNE_VACUUM_SCAN = 0x20;
  public static final int HEAP2_PRUNE_VACUUM_CLEANUP = 0x30;
  public static final int HEAP2_VISIBLE = 0x40;
  public static final int HEAP2_MULTI_INSERT = 0x50;
  public static final int HEAP2_LOCK_UPDATED = 0x60;
  public static final int HEAP2_NEW_CID = 0x70;

  public static final int HEAP_INSERT = 0x00;
  public static final int HEAP_DELETE = 0x10;
  public static final int HEAP_UPDATE = 0x20;
  public static final int HEAP_TRUNCATE = 0x30;
  public static final int HEAP_HOT_UPDATE = 0x40;
  public static final int HEAP_CONFIRM = 0x50;
  public static final int HEAP_LOCK = 0x60;
  public static final int HEAP_INPLACE = 0x70;

  public static final int BTREE_INSERT_LEAF = 0x00;
  public static final int BTREE_INSERT_UPPER = 0x10;
  public static final int BTREE_INSERT_META = 0x20;
  public static final int BTREE_SPLIT_L = 0x30;
  public static final int BTREE_SPLIT_R = 0x40;
  public static final int BTREE_INSERT_POST = 0x50;
  public static final int BTREE_DEDUP = 0x60;
  public static final int BTREE_DELETE = 0x70;
  public static final int BTREE_UNLINK_PAGE = 0x80;
  public static final int BTREE_UNLINK_PAGE_META = 0x90;
  public static final int BTREE_NEWROOT = 0xA0;
  public static final int BTREE_MARK_PAGE_HALFDEAD = 0xB0;
  public static final int BTREE_VACUUM = 0xC0;
  public static final int BTREE_REUSE_PAGE = 0xD0;
  public static final int BTREE_META_CLEANUP = 0xE0;

  public static final int HASH_INIT_META_PAGE = 0x00;
  public static final int HASH_INIT_BITMAP_PAGE = 0x10;
  public static final int HASH_INSERT = 0x20;
  public static final int HASH_ADD_OVFL_PAGE = 0x30;
  public static final int HASH_SPLIT_ALLOCATE_PAGE = 0x40;
  public static final int HASH_SPLIT_PAGE = 0x50;
  public static final int HASH_SPLIT_COMPLETE = 0x60;
  public static final int HASH_MOVE_PAGE_CONTENTS = 0x70;
  public static final int HASH_SQUEEZE_PAGE = 0x80;
  public static final int HASH_DELETE = 0x90;
  public static final int HASH_SPLIT_CLEANUP = 0xA0;
  public static final int HASH_UPDATE_META_PAGE = 0xB0;
  public static final int HASH_VACUUM_ONE_PAGE = 0xC0;

  public static final int GIN_CREATE_PTREE = 0x10;
  public static final int GIN_INSERT = 0x20;
  public static final int GIN_SPLIT = 0x30;
  public static final int GIN_VACUUM_PAGE = 0x40;
  public static final int GIN_DELETE_PAGE = 0x50;
  public static final int GIN_UPDATE_META_PAGE = 0x60;
  public static final int GIN_INSERT_LISTPAGE = 0x70;
  public static final int GIN_DELETE_LISTPAGE = 0x80;
  public static final int GIN_VACUUM_DATA_LEAF_PAGE = 0x90;

  public static final int GIST_PAGE_UPDATE = 0x00;
  public static final int GIST_DELETE = 0x10;
  public static final int GIST_PAGE_REUSE = 0x20;
  public static final int GIST_PAGE_SPLIT = 0x30;
  public static final int GIST_PAGE_DELETE = 0x60;
  public static final int GIST_ASSIGN_LSN = 0x70;

  public static final int SEQUENCE_LOG = 0x00;

  public static final int SPGIST_ADD_LEAF = 0x10;
  public static final int SPGIST_MOVE_LEAFS = 0x20;
  public static final int SPGIST_ADD_NODE = 0x30;
  public static final int SPGIST_SPLIT_TUPLE = 0x40;
  public static final int SPGIST_PICKSPLIT = 0x50;
  public static final int SPGIST_VACUUM_LEAF = 0x60;
  public static final int SPGIST_VACUUM_ROOT = 0x70;
  public static final int SPGIST_VACUUM_REDIRECT = 0x80;

  public static final int BRIN_CREATE_INDEX = 0x00;
  public static final int BRIN_INSERT = 0x10;
  public static final int BRIN_UPDATE = 0x20;
  public static final int BRIN_SAMEPAGE_UPDATE = 0x30;
  public static final int BRIN_REVMAP_EXTEND = 0x40;
  public static final int BRIN_DESUMMARIZE = 0x50;

  public static final int COMMIT_TS_ZEROPAGE = 0x00;
  public static final int COMMIT_TS_TRUNCATE = 0x10;

  public static final int REPLICATION_ORIGIN_SET = 0x00;
  public static final int REPLICATION_ORIGIN_DROP = 0x10;

  public static final int GENERIC_CHANGE = 0x00;

  public static final int LOGICAL_MESSAGE_WRITE = 0x00;

  private RecordType() {}

  /// A type of one version that has a name.
  ///
  /// @param type the bits of the info byte, with {@link #INIT_PAGE} where the name says so
  /// @param name as pg_waldump prints it, such as `INSERT+INIT`
  public record Named(ResourceManager manager, int type, String name) {

    /// Manager and type, such as `Heap/INSERT+INIT`.
    public String fullName() {
      return ResourceManager.name(manager.id()) + "/" + name;
    }
  }

  /// All types of a version's own managers, by manager and number. Of those with one name for
  /// several numbers (`GENERIC`) the first. No server writes `XLOG_NOOP`, nor `HEAP_HOT_UPDATE`
  /// with {@link #INIT_PAGE}.
  public static List<Named> all(PgVersion version) {
    return RecordNames.of(version).all();
  }

  /// The bits of a record's info byte that are its type.
  public static int of(int rmgr, int info) {
    return info & (rmgr == ResourceManager.TRANSACTION.id() ? TRANSACTION_MASK : MASK);
  }

  /// The record's type as pg_waldump prints it, such as `INSERT+INIT`, or `UNKNOWN (f0)`.
  ///
  /// @param info the whole info byte
  public static String name(PgVersion version, int rmgr, int info) {
    return RecordNames.of(version).type(rmgr, info);
  }

  /// Manager and type as `pg_waldump --stats=record` prints them, such as `Heap/INSERT+INIT`.
  ///
  /// @param info the whole info byte
  public static String fullName(PgVersion version, int rmgr, int info) {
    return ResourceManager.name(rmgr) + "/" + name(version, rmgr, info);
  }
}
