package dev.varve.redo;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// Splits of a B-tree page: SPLIT_L, whose new item goes to the left page, and SPLIT_R.
///
/// | main data | field                                                                      |
/// |-----------|----------------------------------------------------------------------------|
/// | 0-3       | level                                                                      |
/// | 4-5       | the first item of the old page that goes right                             |
/// | 6-7       | number of the new item, as if it were put into the old page                |
/// | 8-9       | where it splits the posting list before it, 0 if it does not               |
///
/// | block | page                                        | data                                 |
/// |-------|---------------------------------------------|--------------------------------------|
/// | 0     | the old page, which becomes the left one    | see {@link #splitLeft}               |
/// | 1     | the new, right one                          | all its tuples, the last item's first|
/// | 2     | the right sibling of both, if any           |                                      |
/// | 3     | of an upper page: the child that was split  |                                      |
///
/// PostgreSQL's `access/nbtxlog.h`.
final class BtreeSplit {

  private static final int HIGH_KEY = 1;

  private BtreeSplit() {}

  static void apply(Change change, boolean newItemLeft, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> splitLeft(change, newItemLeft, page);
      case 1 -> fillRight(change, page);
      case 2 -> {
        BtreePage.require(change, page);
        BtreePage.setLeft(page, change.blockNumber(1));
      }
      case 3 -> BtreeRedo.finishSplit(change, page);
      default -> throw change.strangeBlock();
    }
  }

  private static void fillRight(Change change, MemorySegment page) {
    int right = change.hasBlock(2) ? change.blockNumber(2) : 0;
    int level = change.mainInt(0);
    int flags = level == 0 ? BtreePage.LEAF : 0;
    BtreePage.initialize(page, change.blockNumber(0), right, level, flags);
    BtreePage.restoreItems(change, page);
  }

  /// Builds the left page afresh, in the order of its items, as whoever split it did.
  ///
  /// The data holds the new item, if it goes left or splits a posting list, and then the high key.
  private static void splitLeft(Change change, boolean newItemLeft, MemorySegment page) {
    BtreePage.require(change, page);
    boolean splitsPosting = change.mainUint16(8) != 0;
    long newItem = change.dataOffset();
    int newLength = newItemLeft || splitsPosting ? tuple(change, newItem) : 0;
    long key = newItem + newLength;
    int keyLength = tuple(change, key);
    if (newLength + keyLength != change.dataLength()) {
      throw change.corrupted("more follows the high key");
    }
    MemorySegment left = change.scratch();
    Page.initialize(left, BtreePage.SPECIAL);
    BtreePage.copySpecial(page, left);
    IndexItems.add(change, left, HIGH_KEY, change.bytes(), key, keyLength);
    if (splitsPosting) {
      fillLeftSplittingPosting(change, page, left, newItemLeft ? newLength : 0);
    } else {
      fillLeft(change, page, left, newLength);
    }
    MemorySegment.copy(left, 0, page, 0, Page.SIZE);
    int leaf = change.mainInt(0) == 0 ? BtreePage.LEAF : 0;
    BtreePage.setFlags(page, BtreePage.INCOMPLETE_SPLIT | leaf);
    BtreePage.setRight(page, change.blockNumber(1));
    BtreePage.clearCycle(page);
  }

  /// The length of the tuple at `at`, which has to end within the data.
  private static int tuple(Change change, long at) {
    int available = (int) (change.dataOffset() + (long) change.dataLength() - at);
    return PageItems.align(BtreeTuple.require(change, change.bytes(), at, available));
  }

  /// Adds the old items that stay, and the new one if it has a length.
  private static void fillLeft(
      Change change, MemorySegment page, MemorySegment left, int newLength) {
    int first = firstItem(page);
    int end = change.mainUint16(4);
    if (newLength == 0) {
      copyItems(change, page, first, end, left);
    } else {
      int newNumber = change.mainUint16(6);
      copyItems(change, page, first, newNumber, left);
      IndexItems.append(change, left, change.bytes(), change.dataOffset(), newLength);
      copyItems(change, page, newNumber, end, left);
    }
  }

  /// Adds the old items that stay. The one before the new item is a posting list, which takes in
  /// the new item's TID and gives its last one for it. The new item follows, if it has a length: if
  /// it has none it went right, as the first there.
  private static void fillLeftSplittingPosting(
      Change change, MemorySegment page, MemorySegment left, int newLength) {
    int first = firstItem(page);
    int end = change.mainUint16(4);
    int newNumber = change.mainUint16(6);
    copyItems(change, page, first, newNumber, left);
    int posting = PageItems.count(change, left);
    if (posting == HIGH_KEY) {
      throw change.corrupted("no posting list precedes the new item " + newNumber);
    }
    long last = BtreePostings.exchangeTid(change, left, posting, change.mainUint16(8), 0);
    if (newLength != 0) {
      int at = IndexItems.append(change, left, change.bytes(), change.dataOffset(), newLength);
      BtreeTuple.setTid(left, at, last);
    }
    copyItems(change, page, newNumber, end, left);
  }

  private static int firstItem(MemorySegment page) {
    return BtreePage.isRightmost(page) ? HIGH_KEY : HIGH_KEY + 1;
  }

  private static void copyItems(
      Change change, MemorySegment from, int first, int end, MemorySegment to) {
    if (end < first) {
      throw change.corrupted("of the old page stay items %d to %d".formatted(first, end - 1));
    }
    for (int number = first; number < end; number++) {
      int pointer = IndexItems.item(change, from, number);
      IndexItems.append(change, to, from, Page.offset(pointer), Page.length(pointer));
    }
  }
}
