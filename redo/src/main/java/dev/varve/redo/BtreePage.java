package dev.varve.redo;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The special space of a B-tree page, and the pages that redo makes from nothing.
///
/// | bytes     | field                                                                          |
/// |-----------|--------------------------------------------------------------------------------|
/// | 8176-8179 | block number of the left sibling, 0 if there is none                           |
/// | 8180-8183 | block number of the right sibling, 0 if there is none                          |
/// | 8184-8187 | level, 0 for leaves                                                            |
/// | 8188-8189 | flags: 1 leaf, 2 root, 4 deleted, 8 metapage, 10 half dead, 20 split end, 40   |
/// |           | has garbage, 80 incomplete split, 100 has the full xid of its deletion         |
/// | 8190-8191 | vacuum cycle that last split it; not logged, redo leaves 0                     |
///
/// The first item of a page is its high key, unless it is the rightmost of its level. PostgreSQL's
/// `access/nbtree.h`.
final class BtreePage {

  static final int LEAF = 1;
  static final int ROOT = 2;
  static final int DELETED = 4;
  static final int META = 8;
  static final int HALF_DEAD = 0x10;
  static final int HAS_GARBAGE = 0x40;
  static final int INCOMPLETE_SPLIT = 0x80;
  static final int HAS_FULL_XID = 0x100;

  static final int SPECIAL = 16;

  private static final int START = Page.SIZE - SPECIAL;
  private static final long LEFT = START;
  private static final long RIGHT = START + 4;
  private static final long LEVEL = START + 8;
  private static final long FLAGS = START + 12;
  private static final long CYCLE = START + 14;

  private static final int METADATA = 28;
  private static final int MAGIC = 0x053162;
  private static final int META_END = Page.HEADER + 48;

  private BtreePage() {}

  /// Fails unless the page's header is sound and its special space as big as a B-tree's.
  static void require(Change change, MemorySegment page) {
    PageItems.count(change, page);
    if (Page.special(page) != START) {
      throw change.corrupted(
          "the page is none of a B-tree, its special space begins at " + Page.special(page));
    }
  }

  static boolean isRightmost(MemorySegment page) {
    return page.get(INT, RIGHT) == 0;
  }

  static void setLeft(MemorySegment page, int block) {
    page.set(INT, LEFT, block);
  }

  static void setRight(MemorySegment page, int block) {
    page.set(INT, RIGHT, block);
  }

  static void setFlags(MemorySegment page, int flags) {
    page.set(SHORT, FLAGS, (short) flags);
  }

  static void clearFlags(MemorySegment page, int flags) {
    page.set(SHORT, FLAGS, (short) (page.get(SHORT, FLAGS) & ~flags));
  }

  static void clearCycle(MemorySegment page) {
    page.set(SHORT, CYCLE, (short) 0);
  }

  static void copySpecial(MemorySegment from, MemorySegment to) {
    MemorySegment.copy(from, START, to, START, SPECIAL);
  }

  /// Makes an empty page of it; all that is not given is zero.
  static void initialize(MemorySegment page, int left, int right, int level, int flags) {
    Page.initialize(page, SPECIAL);
    setLeft(page, left);
    setRight(page, right);
    page.set(INT, LEVEL, level);
    setFlags(page, flags);
  }

  /// Fills an empty page with the data's tuples, which were copied from another page as they lay
  /// there: the one of the last item first.
  static void restoreItems(Change change, MemorySegment page) {
    MemorySegment source = change.bytes();
    long offset = change.dataOffset();
    int length = change.dataLength();
    int count = 0;
    int size;
    for (int at = 0; at < length; at += size) {
      size = PageItems.align(BtreeTuple.require(change, source, offset + at, length - at));
      count++;
    }
    int upper = Page.upper(page) - length;
    int lower = Page.HEADER + count * PageItems.POINTER;
    if ((length & 7) != 0 || lower > upper) {
      throw change.corrupted("no page has room for %d items, %d bytes".formatted(count, length));
    }
    MemorySegment.copy(source, offset, page, upper, length);
    Page.setLower(page, lower);
    Page.setUpper(page, upper);
    for (int at = upper; count > 0; count--) {
      size = PageItems.align(BtreeTuple.length(page, at));
      Page.setPointer(page, count, Page.pointerOf(at, Page.NORMAL, size));
      at += size;
    }
  }

  /// Makes a leaf of it that is about to be deleted. Its one item, in the place of the high key,
  /// names the topmost page of the branch that goes with it.
  static void initializeHalfDead(
      Change change, MemorySegment page, int left, int right, int topParent) {
    initialize(page, left, right, 0, HALF_DEAD | LEAF);
    int at = IndexItems.place(change, page, 1, BtreeTuple.HEADER);
    BtreeTuple.setBlock(page, at, topParent);
    page.set(SHORT, at + 4L, (short) 0);
    page.set(SHORT, at + 6L, (short) (BtreeTuple.ALTERNATIVE | BtreeTuple.HEADER));
  }

  /// Makes a deleted page of it, whose only content is the full transaction id (`u64`) after which
  /// it may be used again.
  static void initializeDeleted(
      MemorySegment page, int left, int right, int level, long safeFullXid) {
    int leaf = level == 0 ? LEAF : 0;
    initialize(page, left, right, level, DELETED | HAS_FULL_XID | leaf);
    page.set(LONG, Page.HEADER, safeFullXid);
    Page.setLower(page, Page.HEADER + Long.BYTES);
  }

  /// Makes a metapage of it, by the block's data.
  ///
  /// | in the record | on the page | field                                              |
  /// |---------------|-------------|----------------------------------------------------|
  /// |               | 24-27       | magic, 053162                                      |
  /// | 0-3           | 28-31       | version                                            |
  /// | 4-7           | 32-35       | block number of the root                           |
  /// | 8-11          | 36-39       | its level                                          |
  /// | 12-15         | 40-43       | block number of the fast root                      |
  /// | 16-19         | 44-47       | its level                                          |
  /// | 20-23         | 48-51       | deleted pages that the last cleanup left           |
  /// |               | 52-55       | zero                                               |
  /// |               | 56-63       | heap tuples at the last cleanup, no more used: −1.0|
  /// | 24            | 64          | whether equal keys have equal images               |
  /// | 25-27         | 65-71       | zero                                               |
  static void initializeMeta(Change change, MemorySegment page) {
    MemorySegment source = change.bytes();
    long offset = change.dataOffset();
    if (change.dataLength() != METADATA) {
      throw change.corrupted("a metapage's data has 28 bytes, not " + change.dataLength());
    }
    initialize(page, 0, 0, 0, META);
    page.set(INT, Page.HEADER, MAGIC);
    MemorySegment.copy(source, offset, page, Page.HEADER + 4L, 24);
    page.set(LONG, 56, Double.doubleToRawLongBits(-1.0));
    page.set(BYTE, 64, source.get(BYTE, offset + 24));
    Page.setLower(page, META_END);
  }
}
