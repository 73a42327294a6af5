package dev.varve.walreceiver;

import dev.varve.cluster.LocalCluster;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.replication.BackupHandler;
import dev.varve.walreceiver.replication.BackupOptions;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A standby of a local cluster, which it streams from.
final class Standby {

  private Standby() {}

  static LocalCluster of(LocalCluster primary) throws IOException {
    Path copy = primary.newDirectory("standby");
    try (var client =
        ReplicationClient.connect(ConnectionInfo.parse(primary.connectionString("postgres")))) {
      client.baseBackup(BackupOptions.standard().withWal(), unpackInto(copy));
    }
    Files.createFile(copy.resolve("standby.signal"));
    return LocalCluster.existing(primary.binaries(), copy)
        .setting("primary_conninfo", primary.connectionString("postgres"))
        .start();
  }

  private static BackupHandler unpackInto(Path copy) {
    return (_, tar) -> {
      Process unpack = new ProcessBuilder("tar", "xf", "-", "-C", copy.toString()).start();
      try (var pipe = unpack.getOutputStream()) {
        tar.transferTo(pipe);
      }
      if (unpack.onExit().join().exitValue() != 0) {
        throw new IOException("tar failed");
      }
    };
  }
}
