package dev.varve.postgres.wal;

import dev.varve.postgres.PgVersion;
import java.util.Locale;

/// Who wrote a record and knows how to redo it: byte 17 of the record's header. The numbers are the
/// same in PostgreSQL 14 to 18 (`access/rmgrlist.h`); the names are those that pg_waldump prints.
public enum ResourceManager {
  XLOG(0, "XLOG"),
  TRANSACTION(1, "Transaction"),
  STORAGE(2, "Storage"),
  CLOG(3, "CLOG"),
  DATABASE(4, "Database"),
  TABLESPACE(5, "Tablespace"),
  MULTIXACT(6, "MultiXact"),
  RELATION_MAP(7, "RelMap"),
  STANDBY(8, "Standby"),
  HEAP2(9, "Heap2"),
  HEAP(10, "Heap"),
  BTREE(11, "Btree"),
  HASH(12, "Hash"),
  GIN(13, "Gin"),
  GIST(14, "Gist"),
  SEQUENCE(15, "Sequence"),
  SPGIST(16, "SPGist"),
  BRIN(17, "BRIN"),
  COMMIT_TS(18, "CommitTs"),
  REPLICATION_ORIGIN(19, "ReplicationOrigin"),
  GENERIC(20, "Generic"),
  LOGICAL_MESSAGE(21, "LogicalMessage"),
  /// An extension's, numbers 128 to 255, from PostgreSQL 15 on; {@link #id()} is the lowest.
  CUSTOM(128, "custom");

  private static final int BUILT_IN = 22;
  private static final int FIRST_CUSTOM = 128;
  private static final int LAST_CUSTOM = 255;
  private static final ResourceManager[] ALL = values();

  private final int id;
  private final String printed;

  ResourceManager(int id, String printed) {
    this.id = id;
    this.printed = printed;
  }

  public int id() {
    return id;
  }

  /// Whether a record of this version may carry the number at all.
  public static boolean isValid(PgVersion version, int id) {
    return (id >= 0 && id < BUILT_IN)
        || (id >= FIRST_CUSTOM && id <= LAST_CUSTOM && version != PgVersion.V14);
  }

  /// The manager with this number; {@link #CUSTOM} for each of the extensions' numbers.
  ///
  /// @throws IllegalArgumentException when no version has it
  public static ResourceManager of(int id) {
    if (id >= 0 && id < BUILT_IN) {
      return ALL[id];
    }
    if (id >= FIRST_CUSTOM && id <= LAST_CUSTOM) {
      return CUSTOM;
    }
    throw new IllegalArgumentException("no resource manager has the number " + id);
  }

  /// The name that pg_waldump prints, such as `Heap2`, or `custom128` for an extension's.
  public static String name(int id) {
    ResourceManager manager = of(id);
    return manager == CUSTOM ? String.format(Locale.ROOT, "custom%03d", id) : manager.printed;
  }
}
