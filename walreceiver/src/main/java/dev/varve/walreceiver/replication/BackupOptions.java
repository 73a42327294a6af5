package dev.varve.walreceiver.replication;

/// How a base backup shall be taken.
///
/// @param label what the server calls it, in its log and in `backup_label`
/// @param fastCheckpoint whether the server shall hurry with the checkpoint that comes first,
///   instead of spreading it over minutes
/// @param includeWal whether the data directory's archive ends with the WAL that the backup needs;
///   otherwise a stream must bring it
/// @param manifest whether the server adds its manifest
/// @param maxKilobytesPerSecond to spare the server; 0 for as fast as it can, else 32 to 1 048 576
public record BackupOptions(
    String label,
    boolean fastCheckpoint,
    boolean includeWal,
    boolean manifest,
    int maxKilobytesPerSecond) {

  /// At once and at full speed, without WAL, with a manifest.
  public static BackupOptions standard() {
    return new BackupOptions("varve", true, false, true, 0);
  }

  public BackupOptions withWal() {
    return new BackupOptions(label, fastCheckpoint, true, manifest, maxKilobytesPerSecond);
  }

  /// The command, in the syntax of the server's version.
  String command(int major) {
    var command = new StringBuilder("BASE_BACKUP ");
    String quoted = "'" + label.replace("'", "''") + "'";
    if (major >= 15) {
      command.append("(LABEL ").append(quoted).append(", PROGRESS, TABLESPACE_MAP, WAIT 0");
      command.append(", CHECKPOINT ").append(fastCheckpoint ? "'fast'" : "'spread'");
      command.append(includeWal ? ", WAL" : "");
      command.append(manifest ? ", MANIFEST 'yes'" : "");
      command.append(maxKilobytesPerSecond > 0 ? ", MAX_RATE " + maxKilobytesPerSecond : "");
      return command.append(')').toString();
    }
    command.append("LABEL ").append(quoted).append(" PROGRESS");
    command.append(fastCheckpoint ? " FAST" : "");
    command.append(includeWal ? " WAL" : "").append(" NOWAIT");
    command.append(maxKilobytesPerSecond > 0 ? " MAX_RATE " + maxKilobytesPerSecond : "");
    command.append(" TABLESPACE_MAP");
    return command.append(manifest ? " MANIFEST 'yes'" : "").toString();
  }
}
