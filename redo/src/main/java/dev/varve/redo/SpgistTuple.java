package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The three kinds of tuples of an SP-GiST index. All have their state in the lowest two bits: 0
/// live, 1 redirect, 2 dead, 3 placeholder; only live ones have the content of an inner or a leaf
/// tuple.
///
/// | bytes | inner tuple                            | leaf tuple           | any that is not live   |
/// |-------|----------------------------------------|----------------------|------------------------|
/// | 0-3   | state 2 bits, "all the same" 1, number | state 2 bits, size 30| state 2 bits, size (16)|
/// |       | of nodes 13, size of the prefix 16     |                      | 30                     |
/// | 4-5   | size of all                            | next item of the chain 14 bits, 8000: has a bitmap of nulls | 0 |
/// | 6-11  | 6, 7: zero                             | heap TID             | redirect: where to; else no TID |
/// | 12-15 |                                        | bitmap, padding      | redirect: a transaction |
/// | 8-    | prefix, then the nodes                 |                      |                        |
///
/// A node: TID of the child (6 bytes), flags and length (`u16`, the length in the low 13 bits), its
/// label. A TID: block number (`u16` high, `u16` low), item `u16`; as a `long` here, in the order
/// in which it lies. PostgreSQL's `access/spgist_private.h`. Hot: nothing is allocated.
final class SpgistTuple {

  static final int LIVE = 0;
  static final int REDIRECT = 1;
  static final int DEAD = 2;
  static final int PLACEHOLDER = 3;

  /// Of a tuple that is not live.
  static final int DEAD_SIZE = 16;

  static final long NO_TID = 0xFFFF_FFFFL;

  private static final int STATE_BITS = 3;
  private static final int NODES = 8;
  private static final int NODE_HEADER = 8;
  private static final int NODE_LENGTH_BITS = 0x1FFF;
  private static final int NEXT_BITS = 0x3FFF;
  private static final int POINTER = 6;
  private static final int XID = 12;

  private SpgistTuple() {}

  static int state(MemorySegment segment, long at) {
    return segment.get(INT, at) & STATE_BITS;
  }

  /// The size of a leaf tuple that has to end within `available` bytes.
  static int requireLeaf(Change change, MemorySegment segment, long at, int available) {
    int size = available < DEAD_SIZE ? 0 : segment.get(INT, at) >>> 2;
    if (size < DEAD_SIZE || size > available || (size & 7) != 0) {
      throw change.corrupted(
          "a leaf tuple of %d bytes where there are %d".formatted(size, available));
    }
    return size;
  }

  /// The size of an inner tuple that has to end within `available` bytes.
  static int requireInner(Change change, MemorySegment segment, long at, int available) {
    int size = available < DEAD_SIZE ? 0 : innerSize(segment, at);
    if (size < DEAD_SIZE || size > available || (size & 7) != 0) {
      throw change.corrupted(
          "an inner tuple of %d bytes where there are %d".formatted(size, available));
    }
    return size;
  }

  static int innerSize(MemorySegment segment, long at) {
    return segment.get(SHORT, at + 4) & 0xFFFF;
  }

  static long tid(int block, int number) {
    return Integer.toUnsignedLong(Integer.rotateLeft(block, 16)) | (long) number << 32;
  }

  private static void setTid(MemorySegment page, long at, long tid) {
    page.set(INT, at, (int) tid);
    page.set(SHORT, at + 4, (short) (tid >>> 32));
  }

  /// Points node number `node`, counted from 0, of the page's inner tuple at a child.
  static void setLink(Change change, MemorySegment page, int number, int node, long child) {
    int pointer = IndexItems.item(change, page, number);
    long at = Page.offset(pointer);
    int size = requireInner(change, page, at, Page.length(pointer));
    int head = page.get(INT, at);
    int nodes = head >>> 3 & 0x1FFF;
    int place = NODES + (head >>> 16);
    if ((head & STATE_BITS) != LIVE || node >= nodes) {
      throw change.corrupted("item %d has no node %d".formatted(number, node));
    }
    for (int i = 0; ; i++) {
      int length = place + NODE_HEADER > size ? 0 : nodeLength(page, at + place);
      if (length < NODE_HEADER) {
        throw change.corrupted("node %d of item %d is damaged".formatted(i, number));
      }
      if (i == node) {
        break;
      }
      place += length;
    }
    setTid(page, at + place, child);
  }

  private static int nodeLength(MemorySegment page, long at) {
    return page.get(SHORT, at + POINTER) & NODE_LENGTH_BITS;
  }

  /// Makes `next` the next of a live leaf tuple in its chain.
  static void setNext(Change change, MemorySegment page, int number, int next) {
    int pointer = IndexItems.item(change, page, number);
    long at = Page.offset(pointer);
    requireLeaf(change, page, at, Page.length(pointer));
    if (state(page, at) != LIVE) {
      throw change.corrupted("item %d of the page is not live".formatted(number));
    }
    int others = page.get(SHORT, at + 4) & ~NEXT_BITS;
    page.set(SHORT, at + 4, (short) (others | (next & NEXT_BITS)));
  }

  /// Writes the 16 bytes of a tuple that is not live.
  ///
  /// @param target where a redirect leads, and `xid` its transaction; others have neither
  static void writeDead(MemorySegment page, long at, int state, long target, int xid) {
    boolean redirect = state == REDIRECT;
    page.set(INT, at, DEAD_SIZE << 2 | state);
    page.set(SHORT, at + 4, (short) 0);
    setTid(page, at + POINTER, redirect ? target : NO_TID);
    page.set(INT, at + XID, redirect ? xid : 0);
  }

  /// Makes a placeholder of a redirect in its place; it keeps the transaction.
  static void endRedirect(Change change, MemorySegment page, int number) {
    int pointer = IndexItems.item(change, page, number);
    long at = Page.offset(pointer);
    requireLeaf(change, page, at, Page.length(pointer));
    if (state(page, at) != REDIRECT) {
      throw change.corrupted("item %d of the page is no redirect".formatted(number));
    }
    page.set(INT, at, page.get(INT, at) | PLACEHOLDER);
    setTid(page, at + POINTER, NO_TID);
  }
}
