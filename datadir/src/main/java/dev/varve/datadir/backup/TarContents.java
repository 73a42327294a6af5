package dev.varve.datadir.backup;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.backup.BackupLabel;
import dev.varve.postgres.backup.DataFile;
import dev.varve.postgres.backup.DataFiles;
import dev.varve.postgres.control.ClusterState;
import dev.varve.postgres.control.ControlFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.jspecify.annotations.Nullable;

/// What the tar of a data directory says of the backup.
///
/// @param label null for a copy of a stopped server
record TarContents(ControlFile control, @Nullable BackupLabel label) {

  private static final int MAX_FILE = 1 << 16;

  /// @throws PageserverException.InvalidRequest when the tar has no control file, or is a copy of a
  ///   server that ran and did not know of it
  static TarContents read(Path tar) throws IOException {
    ControlFile control = null;
    BackupLabel label = null;
    var names = new DataFiles(null);
    try (BackupTar entries = BackupTar.open(tar)) {
      TarArchiveEntry entry = entries.getNextEntry();
      while (entry != null) {
        if (entry.isFile()) {
          DataFile file = names.of(entry.getName());
          if (file instanceof DataFile.Control) {
            control = ControlFile.parse(MemorySegment.ofArray(entries.readNBytes(MAX_FILE)));
          } else if (file instanceof DataFile.Label) {
            label = BackupLabel.parse(entries.readNBytes(MAX_FILE));
          }
        }
        entry = entries.getNextEntry();
      }
      if (!entries.ended()) {
        throw new IOException(tar + " is cut off: its end is missing");
      }
    }
    if (control == null) {
      throw new PageserverException.InvalidRequest(
          tar + " is no base backup: it has no file global/pg_control");
    }
    if (label == null && control.state() != ClusterState.SHUT_DOWN) {
      throw new PageserverException.InvalidRequest(
          tar
              + " is a copy of a server that was not shut down, and has no backup_label: use"
              + " pg_basebackup");
    }
    return new TarContents(control, label);
  }

  /// Where the WAL of the backup starts.
  Lsn start() {
    return label == null ? new Lsn(control.checkPoint().redo()) : label.start();
  }

  int tli() {
    return label == null ? control.checkPoint().tli() : label.tli();
  }
}
