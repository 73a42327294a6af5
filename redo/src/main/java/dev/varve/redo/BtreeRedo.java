package dev.varve.redo;

import static dev.varve.postgres.PgLayout.LONG;

import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// What the records of the B-tree access method do to their pages.
///
/// | record              | block 0               | other blocks                                     |
/// |---------------------|-----------------------|--------------------------------------------------|
/// | INSERT_LEAF         | gets an item          |                                                  |
/// | INSERT_UPPER, META  | gets an item          | 1: child, its split is complete; 2: metapage     |
/// | INSERT_POST, DEDUP, | see                   |                                                  |
/// | DELETE, VACUUM      | {@link BtreePostings} |                                                  |
/// | SPLIT_L, R          | see {@link BtreeSplit}|                                                  |
/// | MARK_PAGE_HALFDEAD  | the leaf, made anew   | 1: parent, loses the downlink                    |
/// | UNLINK_PAGE, META   | the page, made anew   | 1, 2: siblings; 3: its leaf, anew; 4: metapage   |
/// | NEWROOT             | the root, made anew   | 1: left child, its split is complete; 2: metapage|
/// | META_CLEANUP        | metapage              |                                                  |
///
/// Metapages are always made anew. REUSE_PAGE touches no page. PostgreSQL's `access/nbtxlog.h`; the
/// records have been the same from 14 to 18 but for a byte that redo does not use.
final class BtreeRedo {

  private BtreeRedo() {}

  /// Changes the page, and gives it the LSN.
  static void apply(Change change, long lsn, MemorySegment page) {
    change(change, page);
    Page.setLsn(page, lsn);
  }

  private static void change(Change change, MemorySegment page) {
    switch (change.info() & 0xF0) {
      case RecordType.BTREE_INSERT_LEAF,
          RecordType.BTREE_INSERT_UPPER,
          RecordType.BTREE_INSERT_META ->
          insert(change, page);
      case RecordType.BTREE_INSERT_POST -> BtreePostings.split(change, page);
      case RecordType.BTREE_SPLIT_L -> BtreeSplit.apply(change, true, page);
      case RecordType.BTREE_SPLIT_R -> BtreeSplit.apply(change, false, page);
      case RecordType.BTREE_DEDUP -> BtreePostings.merge(change, page);
      case RecordType.BTREE_DELETE -> BtreePostings.delete(change, 4, page);
      case RecordType.BTREE_VACUUM -> BtreePostings.vacuum(change, page);
      case RecordType.BTREE_MARK_PAGE_HALFDEAD -> markHalfDead(change, page);
      case RecordType.BTREE_UNLINK_PAGE, RecordType.BTREE_UNLINK_PAGE_META -> unlink(change, page);
      case RecordType.BTREE_NEWROOT -> newRoot(change, page);
      case RecordType.BTREE_META_CLEANUP -> BtreePage.initializeMeta(change, page);
      default -> throw change.unsupported();
    }
  }

  /// Block 0: the tuple, to be item `u16` of the main data.
  private static void insert(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> {
        BtreePage.require(change, page);
        int length = change.dataLength();
        if (BtreeTuple.require(change, change.bytes(), change.dataOffset(), length) != length) {
          throw change.corrupted("more follows the tuple");
        }
        IndexItems.add(
            change, page, change.mainUint16(0), change.bytes(), change.dataOffset(), length);
      }
      case 1 -> finishSplit(change, page);
      case 2 -> BtreePage.initializeMeta(change, page);
      default -> throw change.strangeBlock();
    }
  }

  /// The page is the left half of a split whose right half has got its downlink.
  ///
  /// That the flag was set before is no condition: who wrote the record cleared it without a look,
  /// too.
  static void finishSplit(Change change, MemorySegment page) {
    BtreePage.require(change, page);
    BtreePage.clearFlags(page, BtreePage.INCOMPLETE_SPLIT);
  }

  /// | main data | field                                                     |
  /// |-----------|-----------------------------------------------------------|
  /// | 0-1       | number of the parent's item whose downlink goes           |
  /// | 4-7       | the leaf                                                  |
  /// | 8-11      | its left sibling                                          |
  /// | 12-15     | its right sibling                                         |
  /// | 16-19     | the topmost page that goes with it, FFFFFFFF if none does |
  private static void markHalfDead(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 ->
          BtreePage.initializeHalfDead(
              change, page, change.mainInt(8), change.mainInt(12), change.mainInt(16));
      case 1 -> removeDownlink(change, page);
      default -> throw change.strangeBlock();
    }
  }

  /// The item keeps its key and takes over the next one's downlink; the next one goes.
  private static void removeDownlink(Change change, MemorySegment page) {
    BtreePage.require(change, page);
    int number = change.mainUint16(0);
    int item = IndexItems.item(change, page, number);
    int next = IndexItems.item(change, page, number + 1);
    BtreeTuple.require(change, page, Page.offset(item), Page.length(item));
    BtreeTuple.require(change, page, Page.offset(next), Page.length(next));
    BtreeTuple.setBlock(page, Page.offset(item), BtreeTuple.block(page, Page.offset(next)));
    IndexItems.remove(change, page, number + 1);
  }

  /// | main data | field                                                            |
  /// |-----------|------------------------------------------------------------------|
  /// | 0-3       | left sibling, 0 if none                                          |
  /// | 4-7       | right sibling                                                    |
  /// | 8-11      | level                                                            |
  /// | 16-23     | the full transaction id after which the page may be used again   |
  /// | 24-31     | siblings of the half-dead leaf below, left and right             |
  /// | 32-35     | the topmost page that is still to go with that leaf, or FFFFFFFF |
  private static void unlink(Change change, MemorySegment page) {
    change.requireMain(36);
    int left = change.mainInt(0);
    int right = change.mainInt(4);
    switch (change.blockId()) {
      case 0 -> {
        long safeFullXid = change.bytes().get(LONG, change.mainOffset() + 16L);
        BtreePage.initializeDeleted(page, left, right, change.mainInt(8), safeFullXid);
      }
      case 1 -> {
        BtreePage.require(change, page);
        BtreePage.setRight(page, right);
      }
      case 2 -> {
        BtreePage.require(change, page);
        BtreePage.setLeft(page, left);
      }
      case 3 ->
          BtreePage.initializeHalfDead(
              change, page, change.mainInt(24), change.mainInt(28), change.mainInt(32));
      case 4 -> BtreePage.initializeMeta(change, page);
      default -> throw change.strangeBlock();
    }
  }

  /// Main data: the root's block number, then its level (`u32` at 4). Block 0: the tuples, the last
  /// item's first; none if it is a leaf.
  private static void newRoot(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> {
        int level = change.mainInt(4);
        int flags = level == 0 ? BtreePage.ROOT | BtreePage.LEAF : BtreePage.ROOT;
        BtreePage.initialize(page, 0, 0, level, flags);
        BtreePage.restoreItems(change, page);
      }
      case 1 -> finishSplit(change, page);
      case 2 -> BtreePage.initializeMeta(change, page);
      default -> throw change.strangeBlock();
    }
  }
}
