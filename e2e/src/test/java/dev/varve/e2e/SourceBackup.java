package dev.varve.e2e;

import dev.varve.cluster.LocalCluster;
import dev.varve.model.Lsn;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.replication.BackupHandler;
import dev.varve.walreceiver.replication.BackupOptions;
import dev.varve.walreceiver.replication.BackupTablespace;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// A base backup on disk, as `pg_basebackup -F tar` leaves it: `base.tar`, a tar for each
/// tablespace, the manifest.
///
/// @param end where the backup ends: from there on it can be recovered
record SourceBackup(Path folder, Lsn end) {

  /// Takes one while the server works on.
  static SourceBackup take(LocalCluster source, Path folder) throws IOException {
    Files.createDirectory(folder);
    var handler =
        new BackupHandler() {
          @Override
          public void archive(BackupTablespace tablespace, InputStream tar) throws IOException {
            String name =
                tablespace.isDataDirectory() ? "base" : Integer.toUnsignedString(tablespace.oid());
            Files.copy(tar, folder.resolve(name + ".tar"));
          }

          @Override
          public void manifest(InputStream json) throws IOException {
            Files.copy(json, folder.resolve("backup_manifest"));
          }
        };
    ConnectionInfo info = ConnectionInfo.parse(source.connectionString("postgres"));
    try (ReplicationClient client = ReplicationClient.connect(info)) {
      return new SourceBackup(folder, client.baseBackup(BackupOptions.standard(), handler).end());
    }
  }

  Path tar() {
    return folder.resolve("base.tar");
  }

  /// Unpacks it into a new directory for PostgreSQL's own recovery; tablespaces go beside it, so
  /// that they don't meet those of the source.
  Path extract(Path target) throws IOException, InterruptedException {
    unpack(tar(), Files.createDirectory(target));
    Path map = target.resolve("tablespace_map");
    if (Files.exists(map)) {
      for (String line : Files.readAllLines(map)) {
        String oid = line.substring(0, line.indexOf(' '));
        Path place = Files.createDirectory(target.resolveSibling(target.getFileName() + "." + oid));
        unpack(folder.resolve(oid + ".tar"), place);
        Path link = target.resolve("pg_tblspc").resolve(oid);
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, place);
      }
      Files.delete(map);
    }
    return target;
  }

  private static void unpack(Path tar, Path target) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("tar", "-xf", tar.toString(), "-C", target.toString())
            .inheritIO()
            .start();
    if (process.waitFor() != 0) {
      throw new IOException("tar can't unpack " + tar);
    }
  }
}
