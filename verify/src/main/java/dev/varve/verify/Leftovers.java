package dev.varve.verify;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.DirectoryValues;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.postgres.record.StorageRecord;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.util.HashSet;
import java.util.Set;

/// Empty files that a server may have removed without a record, and that its own recovery would
/// keep:
///
/// * What is dropped while a checkpoint begins is unlinked by the one after it, and the record of
///   the drop lies before the first one's redo point (`SyncPreCheckpoint` in PostgreSQL's
///   `storage/sync/sync.c`): a backup that begins with that checkpoint has the file, cut to
///   nothing.
/// * A statement that is stopped after it has made a file and before it has a transaction id has
///   logged the file, and logs no end of itself (`RecordTransactionAbort` in
///   `access/transam/xact.c`).
final class Leftovers {

  private final Set<Key> sizes = new HashSet<>();

  /// Empty main files of a backup of a running server.
  void inBackup(ReplayStore store) {
    store.scan(
        DirectoryKeys.kind(DirectoryKeys.RELATION_SIZE),
        (size, _) -> {
          if (DirectoryKeys.relationOf(size).fork() == RelationFork.MAIN && isEmpty(store, size)) {
            sizes.add(size);
          }
        });
  }

  void record(WalRecord record) {
    if (record.xid() == 0
        && record.rmgr() == ResourceManager.STORAGE.id()
        && (record.info() & RecordType.MASK) == RecordType.STORAGE_CREATE
        && StorageRecord.read(record) instanceof StorageRecord.Create create) {
      sizes.add(
          DirectoryKeys.relationSize(
              new RelationFork(
                  create.tablespace(), create.database(), create.relation(), create.fork())));
    }
  }

  /// Whether a relation that a replay has, and the server has not, may be one.
  ///
  /// @param size the key of its size
  boolean mayHave(ReplayStore replayed, Key size) {
    return sizes.contains(size) && isEmpty(replayed, size);
  }

  private static boolean isEmpty(ReplayStore store, Key size) {
    byte[] blocks = store.value(size);
    return blocks == null || DirectoryValues.size(blocks) == 0;
  }
}
