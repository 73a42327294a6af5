package dev.varve.redo;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The records that merge, split and thin out the tuples of a leaf: DEDUP, INSERT_POST, DELETE and
/// VACUUM.
///
/// PostgreSQL's `access/nbtxlog.h`, and `nbtdedup.c` for how the tuples come to look.
final class BtreePostings {

  /// The greatest length of a tuple in a B-tree: three have to fit on a page.
  private static final int MAX_LENGTH = 2704;

  private BtreePostings() {}

  /// DEDUP: builds the page afresh in the order of its items, runs of them merged into posting
  /// lists.
  ///
  /// The main data is the number of runs, `u16`. The data has, for each run, its first item and how
  /// many it has, `u16` each.
  static void merge(Change change, MemorySegment page) {
    BtreePage.require(change, page);
    int count = PageItems.count(change, page);
    int runs = change.mainUint16(0);
    change.requireData(runs * 4);
    MemorySegment merged = change.scratch();
    Page.initialize(merged, BtreePage.SPECIAL);
    BtreePage.copySpecial(page, merged);
    int number = 1;
    if (!BtreePage.isRightmost(page)) {
      int highKey = IndexItems.item(change, page, number++);
      IndexItems.append(change, merged, page, Page.offset(highKey), Page.length(highKey));
    }
    int run = 0;
    while (number <= count) {
      if (run < runs && number == change.dataUint16(4 * run)) {
        number = mergeRun(change, page, number, change.dataUint16(4 * run + 2), merged);
        run++;
      } else {
        int pointer = IndexItems.item(change, page, number++);
        int length = BtreeTuple.require(change, page, Page.offset(pointer), Page.length(pointer));
        IndexItems.append(change, merged, page, Page.offset(pointer), length);
      }
    }
    if (run != runs) {
      throw change.corrupted(
          "run %d of %d does not begin where it should".formatted(run + 1, runs));
    }
    MemorySegment.copy(merged, 0, page, 0, Page.SIZE);
    BtreePage.clearFlags(page, BtreePage.HAS_GARBAGE);
  }

  /// Appends one posting list made of a run of items: the key of the first, the TIDs of all.
  ///
  /// @return the item after the run
  private static int mergeRun(
      Change change, MemorySegment page, int first, int items, MemorySegment merged) {
    int end = first + items;
    if (items < 2) {
      throw change.corrupted("a run has %d items".formatted(items));
    }
    int tids = 0;
    for (int number = first; number < end; number++) {
      tids += BtreeTuple.tids(page, requireLeafTuple(change, page, number));
    }
    int base = Page.offset(Page.pointer(page, first));
    int key = BtreeTuple.keyLength(page, base);
    int length = BtreeTuple.postingLength(key, tids);
    if (length > MAX_LENGTH) {
      throw change.corrupted("a run of %d TIDs makes %d bytes".formatted(tids, length));
    }
    int at = IndexItems.place(change, merged, PageItems.count(change, merged) + 1, length);
    MemorySegment.copy(page, base, merged, at, key);
    BtreeTuple.setPosting(merged, at, key, tids, length);
    long write = at + (long) key;
    for (int number = first; number < end; number++) {
      write = BtreeTuple.copyTids(page, Page.offset(Page.pointer(page, number)), merged, write);
    }
    BtreeTuple.clear(merged, write, at + (long) length);
    return end;
  }

  /// Where an item's tuple begins, which is sound, be it plain or a posting list.
  private static int requireLeafTuple(Change change, MemorySegment page, int number) {
    int pointer = IndexItems.item(change, page, number);
    int at = Page.offset(pointer);
    int length = BtreeTuple.require(change, page, at, Page.length(pointer));
    if (BtreeTuple.isPosting(page, at)) {
      BtreeTuple.requirePosting(change, page, at, length);
    }
    return at;
  }

  /// INSERT_POST: the new item splits the posting list before it.
  ///
  /// The main data is the new item's number, `u16`. The data has where in the list its TID belongs,
  /// `u16`, and then the tuple.
  static void split(Change change, MemorySegment page) {
    BtreePage.require(change, page);
    int number = change.mainUint16(0);
    long last = exchangeTid(change, page, number - 1, change.dataUint16(0), 2);
    int length = change.dataLength() - 2;
    long tuple = change.dataOffset() + 2L;
    IndexItems.add(change, page, number, change.bytes(), tuple, length);
    BtreeTuple.setTid(page, Page.upper(page), last);
  }

  /// Exchanges the TID of the new tuple, found in the data at `incoming`, for the last one of the
  /// posting list that is item `number`. It becomes the list's TID number `position`.
  static long exchangeTid(
      Change change, MemorySegment page, int number, int position, int incoming) {
    change.requireData(incoming + BtreeTuple.HEADER);
    int pointer = IndexItems.item(change, page, number);
    int at = Page.offset(pointer);
    int length = BtreeTuple.require(change, page, at, Page.length(pointer));
    return BtreeTuple.exchangeTid(
        change, page, at, length, position, change.dataOffset() + (long) incoming);
  }

  /// VACUUM: as {@link #delete}, with the counts first in the main data.
  static void vacuum(Change change, MemorySegment page) {
    delete(change, 0, page);
    BtreePage.clearCycle(page);
  }

  /// DELETE: takes TIDs out of posting lists, and then items out of the page.
  ///
  /// | data   | field                                                                       |
  /// |--------|-----------------------------------------------------------------------------|
  /// | `u16`s | numbers of the items to remove                                              |
  /// | `u16`s | numbers of the items to thin out                                            |
  /// | `u16`s | for each of these: how many TIDs go, and the position in the list of each   |
  ///
  /// @param counts where the main data says how many to remove and how many to thin out, `u16` each
  static void delete(Change change, int counts, MemorySegment page) {
    BtreePage.require(change, page);
    int removed = change.mainUint16(counts);
    int thinned = change.mainUint16(counts + 2);
    change.requireData((removed + thinned) * 2);
    thinOut(change, removed * 2, thinned, page);
    IndexItems.removeAll(change, page, change.bytes(), change.dataOffset(), removed);
    BtreePage.clearFlags(page, BtreePage.HAS_GARBAGE);
  }

  private static void thinOut(Change change, int numbers, int count, MemorySegment page) {
    int update = numbers + 2 * count;
    for (int i = 0; i < count; i++) {
      int positions = change.dataUint16(update);
      update += 2;
      change.requireData(update + 2 * positions);
      int number = change.dataUint16(numbers + 2 * i);
      int pointer = IndexItems.item(change, page, number);
      int at = Page.offset(pointer);
      int length = BtreeTuple.require(change, page, at, Page.length(pointer));
      long from = change.dataOffset() + (long) update;
      int left = BtreeTuple.removeTids(change, page, at, length, from, positions);
      IndexItems.shrink(change, page, number, left);
      update += 2 * positions;
    }
  }
}
