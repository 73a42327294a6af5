package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.model.Key;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The special space of a GiST page, and the pages that redo makes from nothing.
///
/// | bytes     | field                                                                          |
/// |-----------|--------------------------------------------------------------------------------|
/// | 8176-8183 | NSN: the LSN of the record that gave the page's last split its downlink, laid  |
/// |           | out as a page's LSN is                                                         |
/// | 8184-8187 | block number of the right sibling, FFFFFFFF if there is none                   |
/// | 8188-8189 | flags: 1 leaf, 2 deleted, 4 tuples were deleted, 8 follow right (the right     |
/// |           | sibling has no downlink yet), 10 has garbage                                   |
/// | 8190-8191 | FF81                                                                           |
///
/// An item is an index tuple: the TID of a heap tuple or of a child (6 bytes), flags and length
/// (`u16`, the length in the low 13 bits), key. PostgreSQL's `access/gist.h`. Hot: nothing is
/// allocated.
final class GistPage {

  static final int LEAF = 1;
  static final int DELETED = 2;
  static final int TUPLES_DELETED = 4;
  static final int FOLLOW_RIGHT = 8;
  static final int HAS_GARBAGE = 0x10;

  static final int ROOT_BLOCK = 0;
  static final int NO_BLOCK = -1;

  private static final int SPECIAL = 16;
  private static final int START = Page.SIZE - SPECIAL;
  private static final long NSN = START;
  private static final long RIGHT = START + 8;
  private static final long FLAGS = START + 12;
  private static final long ID = START + 14;
  private static final short PAGE_ID = (short) 0xFF81;

  private GistPage() {}

  /// Fails unless the page's header is sound and its special space that of a GiST page.
  static void require(Change change, MemorySegment page) {
    PageItems.count(change, page);
    if (!isGist(page)) {
      throw change.corrupted(
          "the page is none of a GiST index, its special space begins at " + Page.special(page));
    }
  }

  private static boolean isGist(MemorySegment page) {
    return Page.special(page) == START && page.get(SHORT, ID) == PAGE_ID;
  }

  static boolean isLeaf(MemorySegment page) {
    return (page.get(SHORT, FLAGS) & LEAF) != 0;
  }

  static void setFlags(MemorySegment page, int flags) {
    page.set(SHORT, FLAGS, (short) (page.get(SHORT, FLAGS) | flags));
  }

  static void clearFlags(MemorySegment page, int flags) {
    page.set(SHORT, FLAGS, (short) (page.get(SHORT, FLAGS) & ~flags));
  }

  /// Makes an empty page of it; all that is not given is zero.
  static void initialize(MemorySegment page, long nsn, int right, int flags) {
    Page.initialize(page, SPECIAL);
    setNsn(page, nsn);
    page.set(INT, RIGHT, right);
    page.set(SHORT, FLAGS, (short) flags);
    page.set(SHORT, ID, PAGE_ID);
  }

  private static void setNsn(MemorySegment page, long nsn) {
    page.set(LONG, NSN, Long.rotateLeft(nsn, 32));
  }

  /// The right sibling of the page has got its downlink, by the record that ends at `lsn`.
  static void completeSplit(MemorySegment page, long lsn) {
    setNsn(page, lsn);
    clearFlags(page, FOLLOW_RIGHT);
  }

  /// {@link #completeSplit(MemorySegment, long)} of a page that an image has just restored.
  static void completeSplit(Key key, MemorySegment page, long lsn) {
    if (!isGist(page)) {
      throw Redo.damaged(key, lsn, "its page image is of no page of a GiST index");
    }
    completeSplit(page, lsn);
  }

  /// Marks an empty page as deleted. Its only content becomes the full transaction id after which
  /// it may be used again; the upper bound stays.
  static void delete(Change change, MemorySegment page, long safeFullXid) {
    int end = Page.HEADER + Long.BYTES;
    if (PageItems.count(change, page) > 0 || Page.upper(page) < end) {
      throw change.corrupted("the page to delete is not empty");
    }
    setFlags(page, DELETED);
    page.set(LONG, Page.HEADER, safeFullXid);
    Page.setLower(page, end);
  }

  /// Appends the tuples that the block's data has from `at` on: exactly `count`.
  static void append(Change change, MemorySegment page, int at, int count) {
    MemorySegment source = change.bytes();
    int end = change.dataLength();
    int next = at;
    for (int i = 0; i < count; i++) {
      long offset = change.dataOffset() + (long) next;
      int length = BtreeTuple.require(change, source, offset, end - next);
      IndexItems.append(change, page, source, offset, length);
      next += length;
    }
    if (next != end) {
      throw change.corrupted("%d bytes follow its %d tuples".formatted(end - next, count));
    }
  }

  /// Puts the tuple that the block's data has from `at` to its end in the place of an item's.
  static void overwrite(Change change, MemorySegment page, int number, int at) {
    MemorySegment source = change.bytes();
    long offset = change.dataOffset() + (long) at;
    int available = change.dataLength() - at;
    if (BtreeTuple.require(change, source, offset, available) != available) {
      throw change.corrupted("more follows the tuple");
    }
    IndexItems.overwrite(change, page, number, source, offset, available);
  }
}
