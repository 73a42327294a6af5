package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// Pages of GIN that hold tuples: those of the entry tree, and of the pending list.
///
/// | bytes | of an inner page's tuple   | of a leaf's                                 | of the list's |
/// |-------|----------------------------|---------------------------------------------|---------------|
/// | 0-3   | downlink: high, low half   | where its posting list begins, or the posting tree's root | heap block |
/// | 4-5   | 0                          | how many TIDs, FFFF with a posting tree     | heap item     |
/// | 6-7   | length (13 bits) and flags | the same                                    | the same      |
/// | 8-    | key                        | key, posting list                           | key           |
///
/// PostgreSQL's `access/ginxlog.h`, `access/ginblock.h` and `access/itup.h`.
final class GinEntryPage {

  private static final int HEADER = 8;
  private static final int LENGTH_BITS = 0x1FFF;

  /// Where the tuple is in the data of an INSERT.
  private static final int TUPLE = 4;

  private GinEntryPage() {}

  /// INSERT into a leaf.
  ///
  /// | data  | field                                                       |
  /// |-------|-------------------------------------------------------------|
  /// | 0-1   | number of the item                                          |
  /// | 2     | 1 if the item of that number goes first, for it is replaced |
  /// | 4-    | the tuple                                                   |
  static void insertLeaf(Change change, MemorySegment page) {
    GinPage.require(change, page, GinPage.LEAF);
    if (replaces(change)) {
      IndexItems.remove(change, page, change.dataUint16(0));
    }
    insert(change, page);
  }

  /// INSERT into an inner page: the new item leads to the left half of a child that was split, and
  /// the item that was there to `rightHalf`. The data is as that of {@link #insertLeaf}, but
  /// nothing is replaced.
  static void insertInner(Change change, MemorySegment page, int rightHalf) {
    GinPage.require(change, page, 0);
    if (replaces(change)) {
      throw change.corrupted("it replaces an item of an inner page");
    }
    int number = change.dataUint16(0);
    int item = IndexItems.item(change, page, number);
    int at = Page.offset(item);
    tupleLength(change, page, at, Page.length(item));
    page.set(INT, at, Integer.rotateLeft(rightHalf, 16));
    page.set(SHORT, at + 4L, (short) 0);
    insert(change, page);
  }

  private static boolean replaces(Change change) {
    int value = change.dataByte(2);
    if (value > 1) {
      throw change.corrupted("whether it replaces an item is said by %02x".formatted(value));
    }
    return value == 1;
  }

  private static void insert(Change change, MemorySegment page) {
    int length = change.dataLength() - TUPLE;
    long at = change.dataOffset() + (long) TUPLE;
    if (tupleLength(change, change.bytes(), at, length) != length) {
      throw change.corrupted("more follows the tuple");
    }
    IndexItems.add(change, page, change.dataUint16(0), change.bytes(), at, length);
  }

  /// The length that a tuple says it has, which is at most `available` bytes.
  private static int tupleLength(Change change, MemorySegment segment, long at, int available) {
    int length = available < HEADER ? 0 : segment.get(SHORT, at + 6) & LENGTH_BITS;
    if (length < HEADER || length > available) {
      throw change.corrupted("a tuple of %d bytes where there are %d".formatted(length, available));
    }
    return length;
  }

  /// INSERT_LISTPAGE: makes a page of the pending list. The data has its tuples.
  ///
  /// | main data | field                                                               |
  /// |-----------|---------------------------------------------------------------------|
  /// | 0-3       | right sibling, FFFFFFFF if this is the last page                    |
  /// | 4-7       | how many tuples                                                     |
  static void fillListPage(Change change, MemorySegment page) {
    int right = change.mainInt(0);
    boolean last = right == GinPage.NO_BLOCK;
    GinPage.initialize(page, last ? GinPage.LIST | GinPage.FULL_ROW : GinPage.LIST);
    GinPage.setRight(page, right);
    GinPage.setCount(page, last ? 1 : 0);
    appendTuples(change, page, change.mainInt(4));
  }

  /// UPDATE_META_PAGE: adds the data's tuples, all of one row.
  static void appendToList(Change change, MemorySegment page, int count) {
    requireList(change, page);
    appendTuples(change, page, count);
    GinPage.setCount(page, GinPage.count(page) + 1);
  }

  static void requireList(Change change, MemorySegment page) {
    GinPage.require(change, page, GinPage.LIST);
  }

  private static void appendTuples(Change change, MemorySegment page, int count) {
    MemorySegment source = change.bytes();
    long at = change.dataOffset();
    int left = change.dataLength();
    for (int i = 0; i < count; i++) {
      int length = tupleLength(change, source, at, left);
      IndexItems.append(change, page, source, at, length);
      at += length;
      left -= length;
    }
    if (left != 0 || count < 0) {
      throw change.corrupted("%d bytes follow its %d tuples".formatted(left, count));
    }
  }
}
