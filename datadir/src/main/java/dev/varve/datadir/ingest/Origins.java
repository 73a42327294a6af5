package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.ReplicationOrigin;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.postgres.record.OriginRecord;

/// How far this server had replayed each replication origin.
final class Origins {

  private final VersionWriter writer;

  Origins(VersionWriter writer) {
    this.writer = writer;
  }

  void ingest(OriginRecord record) {
    switch (record) {
      case OriginRecord.Set set -> set(set.origin(), set.remoteLsn(), set.force());
      case OriginRecord.Drop drop -> {
        Key key = DirectoryKeys.replicationOrigin(drop.origin());
        if (writer.exists(key)) {
          writer.remove(key);
        }
      }
    }
  }

  /// A transaction from an origin ended; that does not set the origin back.
  void replayed(int origin, long remoteLsn) {
    set(origin, remoteLsn, false);
  }

  private void set(int origin, long remoteLsn, boolean backwards) {
    Key key = DirectoryKeys.replicationOrigin(origin);
    byte[] before = writer.newest(key);
    long remote = remoteLsn;
    if (before != null && !backwards) {
      long reached = ReplicationOrigin.decode(origin, before).remote().value();
      remote = Long.compareUnsigned(reached, remote) > 0 ? reached : remote;
    }
    writer.value(
        key, new ReplicationOrigin(origin, new Lsn(remote), new Lsn(writer.lsn())).encode());
  }
}
