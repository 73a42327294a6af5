package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// Inner pages of a posting tree: items of equal length in the order of their TIDs, which have no
/// line pointers.
///
/// | bytes  | field                                                                            |
/// |--------|----------------------------------------------------------------------------------|
/// | 24-29  | the highest TID that belongs on the page, unless it is the rightmost             |
/// | 32-    | items of 10 bytes: child (block number, high half, low half), its highest TID    |
///
/// The special space has the count of the items. The page's lower bound is the end of the items, or
/// that of the header on pages that were last changed before PostgreSQL 9.4.
///
/// PostgreSQL's `access/ginblock.h` and `access/ginxlog.h`.
final class GinDataPage {

  /// Where the content of a posting tree's page begins, of an inner page or a leaf.
  static final int CONTENT = 32;

  private static final int ITEM = 10;
  private static final int MAX_ITEMS = (GinPage.END - CONTENT) / ITEM;

  private GinDataPage() {}

  /// INSERT: the new item leads to the left half of a child that was split, and the item that was
  /// there to `rightHalf`.
  ///
  /// | data | field                                 |
  /// |------|---------------------------------------|
  /// | 0-1  | number of the new item                |
  /// | 2-11 | the new item                          |
  static void insert(Change change, MemorySegment page, int rightHalf) {
    int count = requireCount(change, page);
    int number = change.dataUint16(0);
    if (number < 1 || number > count || count == MAX_ITEMS) {
      throw change.corrupted("item %d can't be put among %d".formatted(number, count));
    }
    if (change.dataLength() != 2 + ITEM) {
      throw change.corrupted("its item has %d bytes".formatted(change.dataLength() - 2));
    }
    long at = itemAt(number);
    page.set(INT, at, Integer.rotateLeft(rightHalf, 16));
    MemorySegment.copy(page, at, page, at + ITEM, itemAt(count + 1) - at);
    MemorySegment.copy(change.bytes(), change.dataOffset() + 2L, page, at, ITEM);
    setCount(page, count + 1);
  }

  /// DELETE_PAGE: the item that leads to the page goes.
  static void remove(Change change, MemorySegment page, int number) {
    int count = requireCount(change, page);
    if (number < 1 || number > count) {
      throw change.corrupted("it names item %d, the page has %d".formatted(number, count));
    }
    long at = itemAt(number);
    MemorySegment.copy(page, at + ITEM, page, at, itemAt(count) - at);
    setCount(page, count - 1);
  }

  private static int requireCount(Change change, MemorySegment page) {
    require(change, page, 0);
    int count = GinPage.count(page);
    if (count > MAX_ITEMS) {
      throw change.corrupted("the page has %d items".formatted(count));
    }
    return count;
  }

  /// Fails unless the page is one of a posting tree, where nothing lies between the content and the
  /// special space.
  ///
  /// @param leaf {@link GinPage#LEAF} or 0
  static void require(Change change, MemorySegment page, int leaf) {
    GinPage.require(change, page, GinPage.DATA | leaf);
    if (Page.upper(page) != GinPage.END) {
      throw change.corrupted("the upper bound of the page is " + Page.upper(page));
    }
  }

  private static void setCount(MemorySegment page, int count) {
    GinPage.setCount(page, count);
    Page.setLower(page, (int) itemAt(count + 1));
  }

  private static long itemAt(int number) {
    return CONTENT + (number - 1L) * ITEM;
  }
}
