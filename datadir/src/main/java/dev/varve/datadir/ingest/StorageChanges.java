package dev.varve.datadir.ingest;

import static dev.varve.datadir.DirectoryKeys.PAGE;

import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.postgres.record.StorageRecord;
import dev.varve.redo.ChangeWriter;

/// Files of relations that are created, or cut together with their maps.
///
/// What is cut off stays in the store, out of reach: when the fork grows again, {@link
/// RelationSizes#cover} makes the blocks zero first.
final class StorageChanges {

  /// Slots for heap blocks on a leaf page of the free space map (`freespace.c`).
  private static final int SLOTS_PER_MAP_PAGE = 4069;

  private static final int MAP_LEVELS = 3;

  private final VersionWriter writer;
  private final RelationSizes sizes;

  StorageChanges(VersionWriter writer, RelationSizes sizes) {
    this.writer = writer;
    this.sizes = sizes;
  }

  void ingest(StorageRecord record) {
    switch (record) {
      case StorageRecord.Create create ->
          sizes.create(create.tablespace(), create.database(), create.relation(), create.fork());
      case StorageRecord.Truncate truncate -> truncate(truncate);
    }
  }

  /// As PostgreSQL's recovery does, this makes a main fork that is missing: it may be gone from a
  /// backup taken meanwhile.
  private void truncate(StorageRecord.Truncate record) {
    int tablespace = record.tablespace();
    int database = record.database();
    int relation = record.relation();
    long blocks = Integer.toUnsignedLong(record.blocks());
    sizes.create(tablespace, database, relation, RelationFork.MAIN);
    if (record.main()) {
      sizes.truncate(tablespace, database, relation, RelationFork.MAIN, blocks);
    }
    if (record.visibilityMap()) {
      cutVisibilityMap(tablespace, database, relation, record.blocks());
    }
    if (record.freeSpaceMap()) {
      cutFreeSpaceMap(tablespace, database, relation, blocks);
    }
  }

  /// Cuts the map behind the page that has the first block's bits, and clears the bits on that page
  /// of blocks that are gone: a page that comes back there is not all-visible.
  private void cutVisibilityMap(int tablespace, int database, int relation, int blocks) {
    int fork = RelationFork.VISIBILITY_MAP;
    int page = BlockReferences.mapPage(blocks);
    if (page >= sizes.blocks(tablespace, database, relation, fork)) {
      return;
    }
    if (Integer.remainderUnsigned(blocks, BlockReferences.HEAP_BLOCKS_PER_MAP_PAGE) == 0) {
      sizes.truncate(tablespace, database, relation, fork, page);
      return;
    }
    int length =
        ChangeWriter.truncateVisibility(
            blocks, writer.scratch(ChangeWriter.TRUNCATE_VISIBILITY_BYTES), 0);
    writer.change(
        Key.upper(PAGE, tablespace), Key.middle(database, relation), Key.lower(fork, page), length);
    sizes.truncate(tablespace, database, relation, fork, page + 1L);
  }

  /// Cuts the map behind the page that has the first block's slot. That page, if it has slots of
  /// blocks that stay, is emptied: a map that knows of too little space costs space, one that knows
  /// of blocks that are gone is an error to some versions.
  private void cutFreeSpaceMap(int tablespace, int database, int relation, long blocks) {
    int fork = RelationFork.FREE_SPACE_MAP;
    long page = freeSpacePage(blocks / SLOTS_PER_MAP_PAGE);
    if (page >= sizes.blocks(tablespace, database, relation, fork)) {
      return;
    }
    if (blocks % SLOTS_PER_MAP_PAGE == 0) {
      sizes.truncate(tablespace, database, relation, fork, page);
      return;
    }
    writer.zeroPage(
        Key.upper(PAGE, tablespace), Key.middle(database, relation), Key.lower(fork, (int) page));
    sizes.truncate(tablespace, database, relation, fork, page + 1);
  }

  /// Where in the file a leaf page of the map is: each page above comes before its first leaf.
  static long freeSpacePage(long leaf) {
    long pages = 0;
    long onLevel = leaf;
    for (int level = 0; level < MAP_LEVELS; level++) {
      pages += onLevel + 1;
      onLevel /= SLOTS_PER_MAP_PAGE;
    }
    return pages - 1;
  }
}
