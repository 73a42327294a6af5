package dev.varve.datadir.restore;

import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.OtherFile;
import dev.varve.datadir.RelationFork;
import dev.varve.postgres.relmap.RelationMap;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// The configuration files of a restored directory: the source's own, made safe, and what it lacks.
///
/// * Archiving is switched off. Two copies of one cluster choose the same PostgreSQL timeline, so
///   with production's `archive_command` they would write over each other's files in its archive.
/// * No commit waits for a standby: those that `synchronous_standby_names` names are the source's.
/// * If the source subscribes to publications, the copy does not: it would take the changes from
///   the very slots that the source's subscriptions use, and the source would miss them.
/// * Where the source keeps its configuration outside the data directory, as Debian does, a minimal
///   one is written: without `pg_hba.conf` PostgreSQL would not start.
///
/// @param lines what is added to `postgresql.auto.conf`
record Configuration(String lines) {

  private static final String AUTO = "postgresql.auto.conf";

  private static final String SAFE =
      """

      # Added by Varve: a restored copy must not write into the archive of its source,
      # nor wait for the standbys of its source.
      archive_mode = off
      synchronous_standby_names = ''
      """;

  private static final String NO_SUBSCRIPTIONS =
      """
      # Its subscriptions would take changes away from those of its source: before setting this
      # back, drop them, or give each a slot of its own (ALTER SUBSCRIPTION ... SET (slot_name)).
      max_logical_replication_workers = 0
      """;

  /// The catalog `pg_subscription`.
  private static final int SUBSCRIPTIONS = 6100;

  private static final Map<String, String> DEFAULTS =
      Map.of(
          "postgresql.conf",
          """
          # Written by Varve: the source keeps its configuration outside its data directory.
          listen_addresses = 'localhost'
          """,
          "pg_hba.conf",
          """
          # Written by Varve: the source keeps its configuration outside its data directory.
          local  all  all                peer
          host   all  all  127.0.0.1/32  scram-sha-256
          host   all  all  ::1/128       scram-sha-256
          """,
          "pg_ident.conf",
          "");

  /// What a copy of a directory needs.
  static Configuration of(DataDirectory directory) {
    return new Configuration(subscribes(directory) ? SAFE + NO_SUBSCRIPTIONS : SAFE);
  }

  /// Whether there may be subscriptions: the catalog has a page.
  private static boolean subscribes(DataDirectory directory) {
    byte[] map = directory.relationMap(DirectoryKeys.GLOBAL_TABLESPACE, 0);
    if (map == null) {
      return false;
    }
    int relation =
        RelationMap.parse(directory.version(), MemorySegment.ofArray(map)).find(SUBSCRIPTIONS);
    var fork = new RelationFork(DirectoryKeys.GLOBAL_TABLESPACE, 0, relation, RelationFork.MAIN);
    return directory.exists(fork) && directory.blocks(fork) != 0;
  }

  /// Whether a file of the source must be changed.
  static boolean isChanged(OtherFile file) {
    return file.path().equals(AUTO);
  }

  /// What is to be written for such a file.
  byte[] change(byte[] contents) {
    // A copy of a copy has the lines already.
    return new String(contents, StandardCharsets.ISO_8859_1).endsWith(lines)
        ? contents
        : appended(contents, lines.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] appended(byte[] contents, byte[] more) {
    byte[] both = Arrays.copyOf(contents, contents.length + more.length);
    System.arraycopy(more, 0, both, contents.length, more.length);
    return both;
  }

  /// What must be there besides, path to contents.
  Map<String, byte[]> missing(Set<String> present) {
    var missing = new LinkedHashMap<String, byte[]>();
    DEFAULTS.forEach((path, text) -> missing.put(path, text.getBytes(StandardCharsets.UTF_8)));
    missing.put(AUTO, lines.getBytes(StandardCharsets.UTF_8));
    missing.keySet().removeAll(present);
    return missing;
  }
}
