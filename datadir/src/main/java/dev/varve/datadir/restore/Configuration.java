package dev.varve.datadir.restore;

import dev.varve.datadir.OtherFile;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// The configuration files of a restored directory: the source's own, made safe, and what it lacks.
///
/// * Archiving is switched off. Two copies of one cluster choose the same PostgreSQL timeline, so
///   with production's `archive_command` they would write over each other's files in its archive.
/// * Where the source keeps its configuration outside the data directory, as Debian does, a minimal
///   one is written: without `pg_hba.conf` PostgreSQL would not start.
final class Configuration {

  private static final String AUTO = "postgresql.auto.conf";

  private static final String NO_ARCHIVING =
      """

      # Added by Varve: a restored copy must not write into the archive of its source.
      archive_mode = off
      """;

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

  private Configuration() {}

  /// Whether a file of the source must be changed.
  static boolean isChanged(OtherFile file) {
    return file.path().equals(AUTO);
  }

  /// What is to be written for such a file.
  static byte[] change(byte[] contents) {
    // A copy of a copy has the lines already.
    return new String(contents, StandardCharsets.ISO_8859_1).endsWith(NO_ARCHIVING)
        ? contents
        : appended(contents, NO_ARCHIVING.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] appended(byte[] contents, byte[] lines) {
    byte[] both = Arrays.copyOf(contents, contents.length + lines.length);
    System.arraycopy(lines, 0, both, contents.length, lines.length);
    return both;
  }

  /// What must be there besides, path to contents.
  static Map<String, byte[]> missing(Set<String> present) {
    var missing = new LinkedHashMap<String, byte[]>();
    DEFAULTS.forEach((path, text) -> missing.put(path, text.getBytes(StandardCharsets.UTF_8)));
    missing.put(AUTO, NO_ARCHIVING.getBytes(StandardCharsets.UTF_8));
    missing.keySet().removeAll(present);
    return missing;
  }
}
