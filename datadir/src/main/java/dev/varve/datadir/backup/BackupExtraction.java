package dev.varve.datadir.backup;

import dev.varve.model.PageserverException;
import dev.varve.postgres.backup.DataFile;
import dev.varve.postgres.backup.DataFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;

/// Writes the files of a backup in tars into a folder, tablespaces in `pg_tblspc` instead of where
/// they were; without what a server makes anew.
public final class BackupExtraction {

  private BackupExtraction() {}

  /// @param tar the data directory's tar, or the folder that has it as `base.tar`; the tars of
  ///   tablespaces and of the WAL are looked for beside it
  /// @param target an empty folder
  /// @throws IOException when a tar can't be read or is cut off, or writing fails
  public static void extract(Path tar, Path target) throws IOException {
    BackupFolder folder = BackupFolder.of(tar);
    extract(folder.base(), target, "");
    for (BackupFolder.TablespaceTar tablespace : folder.tablespaces()) {
      extract(
          tablespace.file(),
          target,
          "pg_tblspc/" + Integer.toUnsignedString(tablespace.oid()) + "/");
    }
    for (Path wal : folder.tarsWithWal()) {
      if (!wal.equals(folder.base())) {
        extract(wal, target, "pg_wal/");
      }
    }
  }

  private static void extract(Path tar, Path target, String prefix) throws IOException {
    var names = new DataFiles(null);
    try (BackupTar entries = BackupTar.open(tar)) {
      TarArchiveEntry entry = entries.getNextEntry();
      while (entry != null) {
        String path = prefix + clean(entry.getName());
        if (entry.isFile() && !(names.of(path) instanceof DataFile.Ignored)) {
          Path file = target.resolve(path);
          if (!file.normalize().startsWith(target.normalize())) {
            throw new PageserverException.InvalidRequest(tar + " has a file outside: " + path);
          }
          Files.createDirectories(file.resolveSibling("."));
          Files.copy(entries, file);
        }
        entry = entries.getNextEntry();
      }
      if (!entries.ended()) {
        throw new IOException(tar + " is cut off: its end is missing");
      }
    }
  }

  private static String clean(String name) {
    return name.startsWith("./") ? name.substring(2) : name;
  }
}
