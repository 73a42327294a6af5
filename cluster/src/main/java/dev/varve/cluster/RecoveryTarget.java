package dev.varve.cluster;

import dev.varve.model.Lsn;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// How far PostgreSQL's own point-in-time recovery shall go, from archived WAL.
///
/// "At" an LSN means here what it means in all of Varve: every record that *ends* at or before it
/// is in. PostgreSQL compares the begin of the next record instead, so the setting is
/// `recovery_target_inclusive = off`, which stops before the first record that begins at or after
/// the LSN. The two agree at every LSN where a record begins or ends.
///
/// @param archive the directory of the archived WAL segments
/// @param promote whether the server becomes writable there, on a new PostgreSQL timeline;
///   otherwise it stays a read-only server that has recovered so far
public record RecoveryTarget(Path archive, Lsn lsn, boolean promote) {

  /// To this LSN, and then open for reading and writing.
  public static RecoveryTarget at(Lsn lsn, Path archive) {
    return new RecoveryTarget(archive, lsn, true);
  }

  Map<String, String> settings() {
    var settings = new LinkedHashMap<String, String>();
    settings.put("restore_command", "cp \"" + archive.toAbsolutePath() + "/%f\" \"%p\"");
    settings.put("recovery_target_lsn", lsn.toString());
    settings.put("recovery_target_inclusive", "off");
    settings.put("recovery_target_action", promote ? "promote" : "pause");
    settings.put("recovery_target_timeline", "current");
    return settings;
  }
}
