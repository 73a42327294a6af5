package dev.varve.postgres.wal;

import dev.varve.postgres.PgVersion;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The names of all record types of one version, as its pg_waldump prints them. The table is
/// checked against PostgreSQL's own for every number: see `RecordNamesTest`.
final class RecordNames {

  private static final int TYPES = 16;
  private static final Map<PgVersion, RecordNames> ALL = new EnumMap<>(PgVersion.class);

  static {
    for (PgVersion version : PgVersion.values()) {
      ALL.put(version, new RecordNames(version));
    }
  }

  private final @Nullable String[] names =
      new @Nullable String[ResourceManager.CUSTOM.id() * TYPES];

  private RecordNames(PgVersion version) {
    set(
        ResourceManager.XLOG,
        "CHECKPOINT_SHUTDOWN CHECKPOINT_ONLINE NOOP NEXTOID SWITCH BACKUP_END PARAMETER_CHANGE"
            + " RESTORE_POINT FPW_CHANGE END_OF_RECOVERY FPI_FOR_HINT FPI - OVERWRITE_CONTRECORD");
    set(
        ResourceManager.TRANSACTION,
        "COMMIT PREPARE ABORT COMMIT_PREPARED ABORT_PREPARED ASSIGNMENT INVALIDATION");
    set(ResourceManager.STORAGE, "- CREATE TRUNCATE");
    set(ResourceManager.CLOG, "ZEROPAGE TRUNCATE");
    set(ResourceManager.TABLESPACE, "CREATE DROP");
    set(ResourceManager.MULTIXACT, "ZERO_OFF_PAGE ZERO_MEM_PAGE CREATE_ID TRUNCATE_ID");
    set(ResourceManager.RELATION_MAP, "UPDATE");
    set(ResourceManager.STANDBY, "LOCK RUNNING_XACTS INVALIDATIONS");
    set(ResourceManager.HEAP, "INSERT DELETE UPDATE TRUNCATE HOT_UPDATE HEAP_CONFIRM LOCK INPLACE");
    set(
        ResourceManager.BTREE,
        "INSERT_LEAF INSERT_UPPER INSERT_META SPLIT_L SPLIT_R INSERT_POST DEDUP DELETE UNLINK_PAGE"
            + " UNLINK_PAGE_META NEWROOT MARK_PAGE_HALFDEAD VACUUM REUSE_PAGE META_CLEANUP");
    set(
        ResourceManager.HASH,
        "INIT_META_PAGE INIT_BITMAP_PAGE INSERT ADD_OVFL_PAGE SPLIT_ALLOCATE_PAGE SPLIT_PAGE"
            + " SPLIT_COMPLETE MOVE_PAGE_CONTENTS SQUEEZE_PAGE DELETE SPLIT_CLEANUP"
            + " UPDATE_META_PAGE VACUUM_ONE_PAGE");
    set(
        ResourceManager.GIN,
        "- CREATE_PTREE INSERT SPLIT VACUUM_PAGE DELETE_PAGE UPDATE_META_PAGE INSERT_LISTPAGE"
            + " DELETE_LISTPAGE VACUUM_DATA_LEAF_PAGE");
    set(
        ResourceManager.GIST,
        "PAGE_UPDATE DELETE PAGE_REUSE PAGE_SPLIT - - PAGE_DELETE ASSIGN_LSN");
    set(ResourceManager.SEQUENCE, "LOG");
    set(
        ResourceManager.SPGIST,
        "- ADD_LEAF MOVE_LEAFS ADD_NODE SPLIT_TUPLE PICKSPLIT VACUUM_LEAF VACUUM_ROOT"
            + " VACUUM_REDIRECT");
    set(
        ResourceManager.BRIN,
        "CREATE_INDEX INSERT UPDATE SAMEPAGE_UPDATE REVMAP_EXTEND DESUMMARIZE");
    set(ResourceManager.COMMIT_TS, "ZEROPAGE TRUNCATE");
    set(ResourceManager.REPLICATION_ORIGIN, "SET DROP");
    set(ResourceManager.GENERIC, "Generic ".repeat(TYPES).strip());
    set(ResourceManager.LOGICAL_MESSAGE, "MESSAGE");
    nameVersions(version);
    alsoWithInit(ResourceManager.HEAP, RecordType.HEAP_INSERT);
    alsoWithInit(ResourceManager.HEAP, RecordType.HEAP_UPDATE);
    alsoWithInit(ResourceManager.HEAP, RecordType.HEAP_HOT_UPDATE);
    alsoWithInit(ResourceManager.HEAP2, RecordType.HEAP2_MULTI_INSERT);
    alsoWithInit(ResourceManager.BRIN, RecordType.BRIN_INSERT);
    alsoWithInit(ResourceManager.BRIN, RecordType.BRIN_UPDATE);
  }

  private void nameVersions(PgVersion version) {
    String prunes = "PRUNE VACUUM FREEZE_PAGE";
    if (version.isAtLeast(PgVersion.V17)) {
      prunes = "PRUNE_ON_ACCESS PRUNE_VACUUM_SCAN PRUNE_VACUUM_CLEANUP";
      names[index(ResourceManager.XLOG.id(), RecordType.XLOG_CHECKPOINT_REDO)] = "CHECKPOINT_REDO";
    }
    set(ResourceManager.HEAP2, "REWRITE " + prunes + " VISIBLE MULTI_INSERT LOCK_UPDATED NEW_CID");
    set(
        ResourceManager.DATABASE,
        version == PgVersion.V14 ? "CREATE DROP" : "CREATE_FILE_COPY CREATE_WAL_LOG DROP");
  }

  /// @param inOrder the names of types 00, 10, 20 and so on; `-` where there is none
  private void set(ResourceManager manager, String inOrder) {
    String[] each = inOrder.split(" ", -1);
    for (int type = 0; type < each.length; type++) {
      if (!each[type].equals("-")) {
        names[manager.id() * TYPES + type] = each[type];
      }
    }
  }

  private void alsoWithInit(ResourceManager manager, int type) {
    names[index(manager.id(), type | RecordType.INIT_PAGE)] =
        names[index(manager.id(), type)] + "+INIT";
  }

  static RecordNames of(PgVersion version) {
    return Objects.requireNonNull(ALL.get(version));
  }

  String type(int rmgr, int info) {
    int type = RecordType.of(rmgr, info);
    String name = rmgr < ResourceManager.CUSTOM.id() ? names[index(rmgr, type)] : null;
    return name != null ? name : "UNKNOWN (" + Integer.toHexString(type) + ")";
  }

  List<RecordType.Named> all() {
    var all = new ArrayList<RecordType.Named>();
    for (ResourceManager manager : ResourceManager.values()) {
      var seen = new HashSet<String>();
      for (int number = 0; number < TYPES && manager != ResourceManager.CUSTOM; number++) {
        String name = names[manager.id() * TYPES + number];
        if (name != null && seen.add(name)) {
          all.add(new RecordType.Named(manager, number << 4, name));
        }
      }
    }
    return all;
  }

  private static int index(int rmgr, int type) {
    return rmgr * TYPES + (type >> 4);
  }
}
