package dev.varve.verify;

import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.postgres.record.DatabaseRecord;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Visibility map pages whose bits the log left out: CREATE DATABASE logs them as pages with a
/// hole, which is where the bits are. The server has them, and shows them in the next image; its
/// own recovery would not have them. A database that is copied as files takes them along.
final class MapsWithoutBits {

  private final Set<Key> pages = new HashSet<>();

  /// A record that may copy a database.
  void record(WalRecord record) {
    if (!pages.isEmpty()
        && record.rmgr() == ResourceManager.DATABASE.id()
        && DatabaseRecord.read(record) instanceof DatabaseRecord.CreateFileCopy copy) {
      List<Key> copied =
          pages.stream()
              .filter(page -> page.database() == copy.template())
              .filter(page -> page.tablespace() == copy.templateTablespace())
              .toList();
      for (Key page : copied) {
        pages.add(
            new Key(
                page.kind(),
                copy.tablespace(),
                copy.database(),
                page.relation(),
                page.fork(),
                page.block()));
      }
    }
  }

  /// The `i`-th block of a record has an image that is put in the page's place.
  void restored(WalRecord record, int i, Key page) {
    if (record.fork(i) != RelationFork.VISIBILITY_MAP) {
      return;
    }
    if (record.holeLength(i) > 0) {
      pages.add(page);
    } else {
      pages.remove(page);
    }
  }

  /// An image shows the page's bits.
  ///
  /// @return whether they were missing
  boolean shown(Key page) {
    return pages.remove(page);
  }

  boolean contains(Key page) {
    return pages.contains(page);
  }
}
