package dev.varve.datadir.ingest;

import static dev.varve.datadir.DirectoryKeys.PAGE;

import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.postgres.record.HeapVisibility;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.ChangeWriter;

/// What a record does to the pages that it names, of whatever resource manager; and to the pages of
/// the visibility map that heap records change without naming them. Hot: nothing is allocated.
final class BlockReferences {

  /// Heap blocks whose bits are on one page of the visibility map: 4 a byte, in 8192 bytes less the
  /// 24 of the page's header.
  static final int HEAP_BLOCKS_PER_MAP_PAGE = 4 * (8192 - 24);

  private static final int NO_BLOCK = -1;

  private final VersionWriter writer;
  private final RelationSizes sizes;
  private final HeapVisibility visibility = new HeapVisibility();

  BlockReferences(VersionWriter writer, RelationSizes sizes) {
    this.writer = writer;
    this.sizes = sizes;
  }

  void ingest(WalRecord record) {
    int count = record.blockCount();
    for (int i = 0; i < count; i++) {
      sizes.cover(
          record.tablespace(i),
          record.database(i),
          record.relation(i),
          record.fork(i),
          record.block(i),
          ChangeWriter.initializes(record, i));
      writer.block(record, i);
    }
    if (visibility.parse(record)) {
      clearVisibility(record);
    }
  }

  private void clearVisibility(WalRecord record) {
    int entry = visibility.blockEntry();
    int tablespace = record.tablespace(entry);
    int database = record.database(entry);
    int relation = record.relation(entry);
    int first = visibility.firstBlock();
    int second = visibility.hasSecondBlock() ? visibility.secondBlock() : NO_BLOCK;
    if (second != NO_BLOCK && mapPage(second) != mapPage(first)) {
      clear(tablespace, database, relation, second, NO_BLOCK);
      second = NO_BLOCK;
    }
    clear(tablespace, database, relation, first, second);
  }

  /// A map page that isn't there has no bits to clear.
  private void clear(int tablespace, int database, int relation, int block, int other) {
    int page = mapPage(block);
    if (page >= sizes.blocks(tablespace, database, relation, RelationFork.VISIBILITY_MAP)) {
      return;
    }
    int length =
        ChangeWriter.clearVisibility(
            block,
            other,
            visibility.bits(),
            false,
            writer.scratch(ChangeWriter.CLEAR_VISIBILITY_BYTES),
            0);
    writer.change(
        Key.upper(PAGE, tablespace),
        Key.middle(database, relation),
        Key.lower(RelationFork.VISIBILITY_MAP, page),
        length);
  }

  /// The page of the visibility map that holds the bits of a heap block.
  static int mapPage(int heapBlock) {
    return Integer.divideUnsigned(heapBlock, HEAP_BLOCKS_PER_MAP_PAGE);
  }
}
