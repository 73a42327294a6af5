package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;
import java.util.List;

/// What the server says before it sends the first archive.
///
/// @param start where recovery of the backup must begin: the redo pointer of its checkpoint
/// @param timeline the PostgreSQL timeline of that
/// @param tablespaces the archives to come, in their order; the data directory is the last
public record BackupStart(Lsn start, int timeline, List<BackupTablespace> tablespaces) {

  /// The sum of the estimates, 0 where there are none.
  public long estimatedBytes() {
    return tablespaces.stream().mapToLong(t -> Math.max(0, t.estimatedBytes())).sum();
  }
}
