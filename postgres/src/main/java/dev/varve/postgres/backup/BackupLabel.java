package dev.varve.postgres.backup;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/// The file `backup_label`: where the recovery of a backup has to begin.
///
/// | line                     | value                                                     |
/// |--------------------------|-----------------------------------------------------------|
/// | `START WAL LOCATION`     | LSN, then `(file ` segment name `)`                       |
/// | `CHECKPOINT LOCATION`    | LSN where the backup's first checkpoint record begins     |
/// | `BACKUP METHOD`          | `streamed`                                                |
/// | `BACKUP FROM`            | `primary` or `standby`                                    |
/// | `START TIME`             | for people                                                |
/// | `LABEL`                  | what the taker called it                                  |
/// | `START TIMELINE`         | PostgreSQL timeline, decimal                              |
/// | `INCREMENTAL FROM LSN`   | from version 17: the backup is incomplete                 |
///
/// A colon and a space separate the two. PostgreSQL's `access/xlogbackup.c`.
///
/// @param start where replay begins: the redo location of the checkpoint
/// @param checkpoint where the checkpoint's record begins
/// @param tli PostgreSQL timeline
public record BackupLabel(Lsn start, Lsn checkpoint, int tli, boolean fromStandby, String label) {

  /// @throws PageserverException.DataCorrupted naming the line that is missing or can't be read
  /// @throws PageserverException.InvalidRequest for an incremental backup
  public static BackupLabel parse(byte[] file) {
    Map<String, String> lines = new HashMap<>();
    for (String line : new String(file, StandardCharsets.UTF_8).split("\n", -1)) {
      int colon = line.indexOf(": ");
      if (colon > 0) {
        lines.putIfAbsent(line.substring(0, colon), line.substring(colon + 2).stripTrailing());
      }
    }
    if (lines.containsKey("INCREMENTAL FROM LSN")) {
      throw new PageserverException.InvalidRequest(
          "the backup is an incremental one; combine it with pg_combinebackup first");
    }
    String start = value(lines, "START WAL LOCATION");
    int space = start.indexOf(' ');
    return new BackupLabel(
        lsn("START WAL LOCATION", space < 0 ? start : start.substring(0, space)),
        lsn("CHECKPOINT LOCATION", value(lines, "CHECKPOINT LOCATION")),
        tli(value(lines, "START TIMELINE")),
        value(lines, "BACKUP FROM").equals("standby"),
        lines.getOrDefault("LABEL", ""));
  }

  private static String value(Map<String, String> lines, String name) {
    String value = lines.get(name);
    if (value == null) {
      throw new PageserverException.DataCorrupted("backup_label has no line " + name);
    }
    return value;
  }

  private static Lsn lsn(String name, String text) {
    try {
      return Lsn.parse(text);
    } catch (IllegalArgumentException e) {
      throw new PageserverException.DataCorrupted(
          "backup_label has no LSN in the line " + name + ": " + e.getMessage(), e);
    }
  }

  private static int tli(String text) {
    int tli = Names.number(text);
    if (tli == 0) {
      throw new PageserverException.DataCorrupted(
          "backup_label has the PostgreSQL timeline \"" + text + "\"");
    }
    return tli;
  }
}
