package dev.varve.postgres.backup;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.ControlVersions;
import dev.varve.postgres.slru.Slru;
import dev.varve.postgres.wal.SegmentName;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Reads the names of the files of a data directory.
///
/// | name                                   | what it is                                          |
/// |----------------------------------------|-----------------------------------------------------|
/// | `base/D/R`, `global/R`                 | relation R of database D, main fork                 |
/// | `…/R_fsm`, `…/R_vm`, `…/R_init`        | another fork                                        |
/// | `…/R.S`, `…/R_fsm.S`                   | its file S, from 1 on                               |
/// | `…/tB_R` and so on                     | a temporary relation: ignored                       |
/// | `pg_tblspc/T/PG_V_C/D/…`               | the same in tablespace T, V and C being the version |
/// | `pg_xact/SSSS` and other {@link Slru}s | a segment of it                                     |
/// | `pg_twophase/X`                        | prepared transaction, 8 hex digits, from 17 on 16   |
/// | `pg_wal/…`                             | segments of 24 hex digits, `T.history` files        |
///
/// What is ignored is what `pg_basebackup` leaves out of a backup, and what is of no use to a
/// restored cluster: files of the server process, signals, statistics, temporary files, WAL archive
/// status, the server's logs (`….log` in any folder), core dumps (`core`, `core.….<number>`), the
/// list of blocks that `pg_prewarm` keeps, and what `pg_upgrade` left. PostgreSQL's
/// `common/relpath.h` and `backup/basebackup.c`.
public final class DataFiles {

  public static final int DEFAULT_TABLESPACE = 1663;
  public static final int GLOBAL_TABLESPACE = 1664;

  /// The segment of the last block that a number of 32 bits can name.
  private static final int LAST_SEGMENT = (1 << 15) - 1;

  private static final List<String> FORKS = List.of("", "fsm", "vm", "init");

  /// Folders whose contents are of no use in a copy.
  private static final Set<String> IGNORED_FOLDERS =
      Set.of(
          "pg_dynshmem",
          "pg_notify",
          "pg_replslot",
          "pg_serial",
          "pg_snapshots",
          "pg_stat",
          "pg_stat_tmp",
          "pg_subtrans",
          "pg_upgrade_output.d",
          "log",
          "pg_log");

  private static final Set<String> IGNORED_FILES =
      Set.of(
          "autoprewarm.blocks",
          "autoprewarm.blocks.tmp",
          "backup_label.old",
          "core",
          "current_logfiles",
          "current_logfiles.tmp",
          "pg_internal.init",
          "postgresql.auto.conf.tmp",
          "postmaster.opts",
          "postmaster.pid",
          "promote",
          "recovery.done",
          "recovery.signal",
          "standby.signal",
          "tablespace_map.old",
          ".DS_Store");

  /// The kernel's names, with the process's number last.
  private static final Pattern CORE_DUMP = Pattern.compile("core(\\..+)?\\.[0-9]+");

  private final @Nullable PgVersion version;

  /// @param version of the cluster; null if it is not known (yet): then the folders of all versions
  ///   in a tablespace are taken for the cluster's
  public DataFiles(@Nullable PgVersion version) {
    this.version = version;
  }

  /// The name of a version's folder in a tablespace, such as `PG_17_202406281`.
  public static String tablespaceFolder(PgVersion version) {
    return "PG_" + version.major() + "_" + ControlVersions.catalogVersion(version);
  }

  /// What the file at `path`, relative to the root of tablespace `tablespace`, is.
  ///
  /// @throws PageserverException.InvalidRequest as {@link #of} does
  public DataFile ofTablespace(int tablespace, String path) {
    return of("pg_tblspc/" + Integer.toUnsignedString(tablespace) + "/" + path);
  }

  /// What the file at `path`, relative to the data directory, is. Not for folders.
  ///
  /// @throws PageserverException.InvalidRequest if the path would lead out of the directory
  public DataFile of(String path) {
    List<String> parts = parts(path);
    String clean = String.join("/", parts);
    String name = parts.getLast();
    if (isIgnored(parts, name)) {
      return new DataFile.Ignored(clean);
    }
    DataFile file =
        switch (parts.getFirst()) {
          case "base" -> inBase(parts);
          case "global" -> inGlobal(parts);
          case "pg_tblspc" -> inTablespaces(parts);
          case "pg_twophase" -> twoPhase(parts);
          case "pg_wal" -> wal(parts);
          default -> slruOrOther(parts, clean);
        };
    return file == null ? new DataFile.Ignored(clean) : file;
  }

  private static List<String> parts(String path) {
    List<String> parts =
        Arrays.stream(path.split("/", -1)).filter(part -> !part.equals(".")).toList();
    if (parts.isEmpty()
        || path.indexOf('\0') >= 0
        || path.indexOf('\\') >= 0
        || parts.contains("")
        || parts.contains("..")) {
      throw new PageserverException.InvalidRequest(
          "\"" + path + "\" is no path of a file in a data directory");
    }
    return parts;
  }

  private static boolean isIgnored(List<String> parts, String name) {
    return IGNORED_FILES.contains(name)
        || name.startsWith("pg_internal.init.")
        || CORE_DUMP.matcher(name).matches()
        || name.endsWith(".log")
        || parts.stream().anyMatch(part -> part.startsWith("pgsql_tmp"))
        || (parts.size() > 1 && IGNORED_FOLDERS.contains(parts.getFirst()));
  }

  private static @Nullable DataFile inBase(List<String> parts) {
    int database = parts.size() == 3 ? Names.number(parts.get(1)) : 0;
    return database == 0 ? null : inDatabase(DEFAULT_TABLESPACE, database, parts.get(2));
  }

  private static @Nullable DataFile inGlobal(List<String> parts) {
    if (parts.size() != 2) {
      return null;
    }
    String name = parts.get(1);
    return switch (name) {
      case "pg_control" -> new DataFile.Control();
      case "PG_VERSION" -> null;
      default -> inDatabase(GLOBAL_TABLESPACE, 0, name);
    };
  }

  private @Nullable DataFile inTablespaces(List<String> parts) {
    if (parts.size() != 5 || !isTablespaceFolder(parts.get(2))) {
      return null;
    }
    int tablespace = Names.number(parts.get(1));
    int database = Names.number(parts.get(3));
    return tablespace == 0 || database == 0 ? null : inDatabase(tablespace, database, parts.get(4));
  }

  private boolean isTablespaceFolder(String name) {
    if (version != null) {
      return tablespaceFolder(version).equals(name);
    }
    return Arrays.stream(PgVersion.values()).anyMatch(v -> tablespaceFolder(v).equals(name));
  }

  private static @Nullable DataFile inDatabase(int tablespace, int database, String name) {
    return switch (name) {
      case "PG_VERSION" -> new DataFile.VersionFile(tablespace, database);
      case "pg_filenode.map" -> new DataFile.RelationMapFile(tablespace, database);
      default -> relation(tablespace, database, name);
    };
  }

  private static DataFile.@Nullable RelationSegment relation(
      int tablespace, int database, String name) {
    int dot = name.indexOf('.');
    String fork = dot < 0 ? name : name.substring(0, dot);
    int segment = dot < 0 ? 0 : Names.number(name.substring(dot + 1));
    int underscore = fork.indexOf('_');
    int forkNumber = underscore < 0 ? 0 : FORKS.indexOf(fork.substring(underscore + 1));
    int relation = Names.number(underscore < 0 ? fork : fork.substring(0, underscore));
    if (relation == 0
        || forkNumber < 0
        || (underscore >= 0 && forkNumber == 0)
        || (dot >= 0 && segment <= 0)) {
      return null;
    }
    return segment > LAST_SEGMENT
        ? null
        : new DataFile.RelationSegment(tablespace, database, relation, forkNumber, segment);
  }

  private @Nullable DataFile twoPhase(List<String> parts) {
    if (parts.size() != 2 || !Names.isUpperHex(parts.get(1))) {
      return null;
    }
    int digits = parts.get(1).length();
    boolean known =
        version == null
            ? digits == 8 || digits == 16
            : digits == (version.isAtLeast(PgVersion.V17) ? 16 : 8);
    return known ? new DataFile.TwoPhase(Long.parseUnsignedLong(parts.get(1), 16)) : null;
  }

  private static @Nullable DataFile wal(List<String> parts) {
    if (parts.size() != 2) {
      return null;
    }
    String name = parts.get(1);
    OptionalInt history = TimelineHistory.parseFileName(name);
    if (history.isPresent()) {
      return new DataFile.TimelineHistoryFile(history.getAsInt());
    }
    return SegmentName.parse(name).<DataFile>map(DataFile.WalSegment::new).orElse(null);
  }

  private static @Nullable DataFile slruOrOther(List<String> parts, String clean) {
    for (Slru slru : Slru.values()) {
      if (clean.startsWith(slru.directory() + "/")) {
        OptionalInt segment = Slru.parseFileName(parts.getLast());
        boolean here = clean.length() == slru.directory().length() + 1 + parts.getLast().length();
        return here && segment.isPresent()
            ? new DataFile.SlruSegment(slru, segment.getAsInt())
            : null;
      }
    }
    return switch (clean) {
      case "PG_VERSION" -> new DataFile.VersionFile(0, 0);
      case "backup_label" -> new DataFile.Label();
      case "tablespace_map" -> new DataFile.TablespaceMapFile();
      case "backup_manifest" -> new DataFile.Manifest();
      default -> new DataFile.Other(clean);
    };
  }
}
