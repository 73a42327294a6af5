package dev.varve.redo;

import static dev.varve.postgres.PgLayout.LONG;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// What the records of the GiST access method do to their pages.
///
/// | record      | block 0                        | other blocks                                  |
/// |-------------|--------------------------------|-----------------------------------------------|
/// | PAGE_UPDATE | loses and gets items           | 1: child, its split is complete               |
/// | DELETE      | loses items that scans found dead |                                            |
/// | PAGE_SPLIT  | child, its split is complete   | 1…n: the page that is split and its new right siblings, all made anew |
/// | PAGE_DELETE | an empty leaf                  | 1: parent, loses the downlink                 |
///
/// PAGE_REUSE and ASSIGN_LSN touch no page. PostgreSQL's `access/gistxlog.h`; only DELETE differs
/// between 14 and 18.
///
/// A child whose split is complete is special: the record is written *before* the child changes, so
/// even an image that redo restores lacks the change ({@link #completesSplit}).
///
/// Flag 4 of a page, "tuples were deleted", is read by `pageinspect` alone. Servers set it in a
/// leaf when PAGE_UPDATE removes items, and none when it is DELETE; so does this. (Their redo sets
/// it in both cases, and the minor versions from 15.20 and 17.12 on never.)
final class GistRedo {

  private GistRedo() {}

  /// Changes the page, and gives it the LSN.
  static void apply(Change change, long lsn, MemorySegment page) {
    switch (change.info() & 0xF0) {
      case RecordType.GIST_PAGE_UPDATE -> {
        switch (change.blockId()) {
          case 0 -> update(change, page);
          case 1 -> completeSplit(change, lsn, page);
          default -> throw change.strangeBlock();
        }
      }
      case RecordType.GIST_DELETE -> removeDead(change, page);
      case RecordType.GIST_PAGE_SPLIT -> {
        if (change.blockId() == 0) {
          completeSplit(change, lsn, page);
        } else {
          fillHalf(change, page);
        }
      }
      case RecordType.GIST_PAGE_DELETE -> deletePage(change, page);
      default -> throw change.unsupported();
    }
    Page.setLsn(page, lsn);
  }

  /// Whether the block is a child whose right sibling has got its downlink by the record.
  static boolean completesSplit(WalRecord record, int block) {
    int id = record.blockId(block);
    return switch (record.info() & 0xF0) {
      case RecordType.GIST_PAGE_UPDATE -> id == 1;
      case RecordType.GIST_PAGE_SPLIT -> id == 0;
      default -> false;
    };
  }

  /// Whether redo of a block asks for another one: that of a new page for the first page of the
  /// split and for the right sibling.
  static boolean isNeeded(WalRecord record, int block, int other) {
    int id = record.blockId(block);
    int otherId = record.blockId(other);
    return (record.info() & 0xF0) == RecordType.GIST_PAGE_SPLIT
        && id > 0
        && (otherId == 1 || otherId == id + 1);
  }

  private static void completeSplit(Change change, long lsn, MemorySegment page) {
    GistPage.require(change, page);
    GistPage.completeSplit(page, lsn);
  }

  /// | main data | field                        |
  /// |-----------|------------------------------|
  /// | 0-1       | how many items go            |
  /// | 2-3       | how many tuples come         |
  ///
  /// Block 0's data: the numbers of the items that go (`u16` each), then the tuples, which follow
  /// the last item. One for one is an overwriting instead.
  private static void update(Change change, MemorySegment page) {
    GistPage.require(change, page);
    int removed = change.mainUint16(0);
    int added = change.mainUint16(2);
    int tuples = removed * Short.BYTES;
    change.requireData(tuples);
    if (removed == 1 && added == 1) {
      GistPage.overwrite(change, page, change.dataUint16(0), tuples);
      return;
    }
    if (removed > 0) {
      IndexItems.removeAll(change, page, change.bytes(), change.dataOffset(), removed);
      if (GistPage.isLeaf(page)) {
        GistPage.setFlags(page, GistPage.TUPLES_DELETED);
      }
    }
    GistPage.append(change, page, tuples, added);
  }

  /// | main data | field                                                   |
  /// |-----------|---------------------------------------------------------|
  /// | 0-3       | newest transaction that a snapshot must not need        |
  /// | 4-5       | how many items go                                       |
  /// | 6         | from 16 on: whether the relation is a catalog; padding  |
  /// | 6- or 8-  | their numbers, `u16` each; from 8 on since 16           |
  private static void removeDead(Change change, MemorySegment page) {
    GistPage.require(change, page);
    if (change.blockId() != 0) {
      throw change.strangeBlock();
    }
    int count = change.mainUint16(4);
    int numbers = change.version().isAtLeast(PgVersion.V16) ? 8 : 6;
    change.requireMain(numbers + count * Short.BYTES);
    IndexItems.removeAll(change, page, change.bytes(), change.mainOffset() + (long) numbers, count);
    GistPage.clearFlags(page, GistPage.HAS_GARBAGE);
  }

  /// | main data | field                                                                     |
  /// |-----------|---------------------------------------------------------------------------|
  /// | 0-3       | right sibling of the page before the split, FFFFFFFF if it had none       |
  /// | 8-15      | its NSN, `u64`                                                            |
  /// | 16        | whether it was a leaf                                                     |
  /// | 18-19     | how many pages become of it                                               |
  /// | 20        | whether the new pages follow right until they have downlinks              |
  ///
  /// Data of each page: how many tuples (`u32`), the tuples. The pages are siblings in their order,
  /// unless the root splits: it keeps its place, gets downlinks to all others, and only those are.
  private static void fillHalf(Change change, MemorySegment page) {
    int id = change.blockId();
    int pages = change.mainUint16(18);
    if (!change.initializes() || id > pages) {
      throw change.strangeBlock();
    }
    boolean last = id == pages;
    boolean rootSplits = change.blockNumber(1) == GistPage.ROOT_BLOCK;
    boolean root = rootSplits && id == 1;
    int flags = 0;
    if (change.mainByte(16) != 0 && !root) {
      flags |= GistPage.LEAF;
    }
    if (change.mainByte(20) != 0 && !last && !rootSplits) {
      flags |= GistPage.FOLLOW_RIGHT;
    }
    int right = last ? change.mainInt(0) : change.blockNumber(id + 1);
    long nsn = change.bytes().get(LONG, change.mainOffset() + 8L);
    GistPage.initialize(page, nsn, root ? GistPage.NO_BLOCK : right, flags);
    GistPage.append(change, page, Integer.BYTES, change.dataInt(0));
  }

  /// | main data | field                                                          |
  /// |-----------|----------------------------------------------------------------|
  /// | 0-7       | the full transaction id after which the page may be used again |
  /// | 8-9       | number of the parent's item whose downlink goes                |
  private static void deletePage(Change change, MemorySegment page) {
    GistPage.require(change, page);
    int downlink = change.mainUint16(8);
    switch (change.blockId()) {
      case 0 -> GistPage.delete(change, page, change.bytes().get(LONG, (long) change.mainOffset()));
      case 1 -> IndexItems.remove(change, page, downlink);
      default -> throw change.strangeBlock();
    }
  }
}
