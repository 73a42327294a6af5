package dev.varve.redo;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// Leaves of a posting tree: from byte 32 to the lower bound they hold segments, each a {@link
/// GinPostingList}, in the order of their TIDs. Bytes 24-29 are as on {@link GinDataPage}.
///
/// Records that change a leaf (INSERT, VACUUM_DATA_LEAF_PAGE) have a list of actions in the data:
///
/// | bytes   | field                                                                          |
/// |---------|--------------------------------------------------------------------------------|
/// | 0-1     | how many actions follow                                                        |
/// | +0      | number of the segment, from 0, as the page was before                          |
/// | +1      | 1: the segment goes                                                            |
/// |         | 2: a new one comes before it: it follows, whole                                |
/// |         | 3: another one takes its place: it follows, whole                              |
/// |         | 4: TIDs are added to it: how many (`u16`) and they follow                      |
///
/// The actions are in the order of their segments. Action 2 may name one more than there are.
///
/// Pages from before PostgreSQL 9.4 lack the flag 80, and hold plain TIDs, as many as the special
/// space says. They become one segment before the actions are done.
///
/// PostgreSQL's `access/ginxlog.h` and `access/ginblock.h`.
///
/// Hot: nothing is allocated.
final class GinDataLeaf {

  private static final int DELETE = 1;
  private static final int INSERT = 2;
  private static final int REPLACE = 3;
  private static final int ADD_ITEMS = 4;

  private GinDataLeaf() {}

  /// Makes a leaf of it, without a right sibling.
  ///
  /// @param from where the segments are in the change
  static void initialize(Change change, MemorySegment page, long from, int length) {
    GinPage.initialize(page, GinPage.DATA | GinPage.LEAF | GinPage.COMPRESSED);
    if (length > GinPage.END - GinDataPage.CONTENT || (length & 1) != 0) {
      throw change.corrupted("no page has %d bytes of posting lists".formatted(length));
    }
    MemorySegment.copy(change.bytes(), from, page, GinDataPage.CONTENT, length);
    Page.setLower(page, GinDataPage.CONTENT + length);
  }

  /// Does the actions in the data.
  static void recompress(Change change, MemorySegment page) {
    MemorySegment old = change.scratch();
    int end = takeSegments(change, page, old);
    int actions = change.dataUint16(0);
    int at = 2;
    int segment = 0;
    long read = GinDataPage.CONTENT;
    long write = read;
    for (int i = 0; i < actions; i++) {
      int number = change.dataByte(at);
      int action = change.dataByte(at + 1);
      at += 2;
      if (number < segment) {
        throw change.corrupted(
            "an action on segment %d follows one on %d".formatted(number, segment));
      }
      long kept = read;
      for (; segment < number; segment++) {
        read += GinPostingList.length(change, old, read, end);
      }
      write = keep(change, old, kept, read, page, write);
      long next = action == INSERT ? read : read + GinPostingList.length(change, old, read, end);
      segment += action == INSERT ? 0 : 1;
      switch (action) {
        case DELETE -> {}
        case INSERT, REPLACE -> {
          int length = newSegment(change, at);
          requireRoom(change, write, length);
          MemorySegment.copy(change.bytes(), change.dataOffset() + (long) at, page, write, length);
          write += length;
          at += length;
        }
        case ADD_ITEMS -> {
          int count = requireTids(change, at);
          long tids = change.dataOffset() + at + 2L;
          write = GinPostingList.merge(change, old, read, tids, count, page, write);
          at += 2 + count * GinPostingList.TID;
        }
        default -> throw change.corrupted("there is no action " + action);
      }
      read = next;
    }
    if (at != change.dataLength()) {
      throw change.corrupted("%d bytes follow its actions".formatted(change.dataLength() - at));
    }
    write = keep(change, old, read, end, page, write);
    Page.setLower(page, (int) write);
  }

  /// Copies the page's segments to the same place in another.
  ///
  /// @return where they end
  private static int takeSegments(Change change, MemorySegment page, MemorySegment old) {
    GinDataPage.require(change, page, GinPage.LEAF);
    if ((GinPage.flags(page) & GinPage.COMPRESSED) == 0) {
      compress(change, page, old);
    }
    int end = Page.lower(page);
    if (end < GinDataPage.CONTENT || (end & 1) != 0) {
      throw change.corrupted("the page's posting lists end at " + end);
    }
    MemorySegment.copy(
        page, GinDataPage.CONTENT, old, GinDataPage.CONTENT, end - GinDataPage.CONTENT);
    return end;
  }

  private static void compress(Change change, MemorySegment page, MemorySegment scratch) {
    int count = GinPage.count(page);
    int length = count * GinPostingList.TID;
    if (length > GinPage.END - GinDataPage.CONTENT) {
      throw change.corrupted("the page has %d TIDs".formatted(count));
    }
    MemorySegment.copy(page, GinDataPage.CONTENT, scratch, 0, length);
    long end =
        count == 0
            ? GinDataPage.CONTENT
            : GinPostingList.write(change, scratch, 0, count, page, GinDataPage.CONTENT);
    Page.setLower(page, (int) end);
    GinPage.setFlags(page, GinPage.flags(page) | GinPage.COMPRESSED);
    GinPage.setCount(page, 0);
  }

  /// The length of the whole segment in the data.
  private static int newSegment(Change change, int at) {
    long from = change.dataOffset();
    return GinPostingList.length(change, change.bytes(), from + at, from + change.dataLength());
  }

  /// How many TIDs are in the data.
  private static int requireTids(Change change, int at) {
    int count = change.dataUint16(at);
    change.requireData(at + 2 + count * GinPostingList.TID);
    if (count == 0) {
      throw change.corrupted("it adds no TIDs to a segment");
    }
    return count;
  }

  /// Moves the old segments from `from` to `end` to their new place.
  ///
  /// @return where they end there
  private static long keep(
      Change change, MemorySegment old, long from, long end, MemorySegment page, long to) {
    requireRoom(change, to, end - from);
    if (from != to) {
      MemorySegment.copy(old, from, page, to, end - from);
    }
    // Otherwise the page has them there: nothing has been written beyond `to` yet.
    return to + end - from;
  }

  private static void requireRoom(Change change, long to, long length) {
    if (length > GinPage.END - to) {
      throw GinPostingList.noRoom(change);
    }
  }
}
