package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.record.DatabaseRecord;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// CREATE DATABASE by copying files: the record only says which folder becomes a copy of which. All
/// relations of the template are copied, with every page as it is just before the record.
///
/// A small template is copied like any other change. The pages of a greater one are too many to be
/// kept in memory until the record is done.
final class DatabaseCopy {

  /// As many pages are a small template: 8 MiB. A fresh template1 is smaller.
  private static final long SMALL_TEMPLATE = 1024;

  private final VersionWriter writer;
  private final RelationSizes sizes;
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);

  DatabaseCopy(VersionWriter writer, RelationSizes sizes) {
    this.writer = writer;
    this.sizes = sizes;
  }

  void ingest(DatabaseRecord.CreateFileCopy record) {
    List<RelationFork> forks = relationsOf(record.templateTablespace(), record.template());
    sizes.dropAll(record.tablespace(), record.database());
    long pages = 0;
    for (RelationFork fork : forks) {
      long blocks = blocks(fork);
      pages += blocks;
      sizes.put(record.tablespace(), record.database(), fork.relation(), fork.fork(), blocks);
    }
    copyMap(record);
    if (pages <= SMALL_TEMPLATE) {
      copyPages(forks, record, writer::image);
    } else {
      writer.images(target -> copyPages(forks, record, target));
    }
  }

  private List<RelationFork> relationsOf(int tablespace, int database) {
    List<RelationFork> forks = new ArrayList<>();
    writer.scan(
        DirectoryKeys.relationSizes(tablespace, database),
        (key, _) -> forks.add(DirectoryKeys.relationOf(key)));
    return forks;
  }

  private long blocks(RelationFork fork) {
    return sizes.blocks(fork.tablespace(), fork.database(), fork.relation(), fork.fork());
  }

  private void copyMap(DatabaseRecord.CreateFileCopy record) {
    byte[] map =
        writer.newest(DirectoryKeys.relationMap(record.templateTablespace(), record.template()));
    Key target = DirectoryKeys.relationMap(record.tablespace(), record.database());
    if (map == null) {
      writer.remove(target);
    } else {
      writer.value(target, map);
    }
  }

  private void copyPages(
      List<RelationFork> forks,
      DatabaseRecord.CreateFileCopy record,
      VersionStore.ImageTaker pages) {
    for (RelationFork fork : forks) {
      var copy =
          new RelationFork(record.tablespace(), record.database(), fork.relation(), fork.fork());
      long blocks = blocks(fork);
      for (long block = 0; block < blocks; block++) {
        Key target = DirectoryKeys.relationBlock(copy, (int) block);
        MemorySegment bytes = read(DirectoryKeys.relationBlock(fork, (int) block));
        pages.image(
            target.upper(), target.middle(), target.lower(), bytes, 0, (int) bytes.byteSize());
      }
    }
  }

  /// The page, or, when redo can't make it, the reason why: bytes that are no page, so that reads
  /// of the copy fail, too, until the page is written anew.
  private MemorySegment read(Key key) {
    try {
      writer.read(key, page);
      return page;
    } catch (PageserverException.Unsupported | PageserverException.DataCorrupted e) {
      String reason = "copied from a page that could not be read: " + e.getMessage();
      return MemorySegment.ofArray(reason.getBytes(StandardCharsets.UTF_8));
    }
  }
}
