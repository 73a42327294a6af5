package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.record.DatabaseRecord;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Timeline;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// CREATE DATABASE by copying files: the record only says which folder becomes a copy of which. All
/// relations of the template are copied, with every page as it is just before the record.
///
/// A small template is copied like any other change. A greater one would not fit into an open
/// layer, which can't be frozen within one record; its pages go past it, into image layers of this
/// LSN.
final class DatabaseCopy {

  /// As many pages as are copied into the open layer: 8 MiB. A fresh template1 is smaller.
  private static final long MAX_PAGES_IN_LAYER = 1024;

  private final Timeline timeline;
  private final VersionWriter writer;
  private final RelationSizes sizes;
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);

  DatabaseCopy(Timeline timeline, VersionWriter writer, RelationSizes sizes) {
    this.timeline = timeline;
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
    if (pages <= MAX_PAGES_IN_LAYER) {
      copyPages(forks, record, null);
    } else {
      try (ImageLoad images = timeline.imageLoad(new Lsn(writer.lsn()))) {
        copyPages(forks, record, images);
        images.finish();
      }
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

  /// @param images where the pages go; null: into the open layer
  private void copyPages(
      List<RelationFork> forks, DatabaseRecord.CreateFileCopy record, @Nullable ImageLoad images) {
    for (RelationFork fork : forks) {
      var copy =
          new RelationFork(record.tablespace(), record.database(), fork.relation(), fork.fork());
      long blocks = blocks(fork);
      for (long block = 0; block < blocks; block++) {
        Key target = DirectoryKeys.relationBlock(copy, (int) block);
        MemorySegment bytes = read(DirectoryKeys.relationBlock(fork, (int) block));
        if (images == null) {
          writer.value(target, bytes, 0, (int) bytes.byteSize());
        } else {
          images.image(
              target.upper(), target.middle(), target.lower(), bytes, 0, (int) bytes.byteSize());
        }
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
