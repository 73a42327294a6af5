package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The header of a heap tuple on its page.
///
/// | bytes | field                                                                             |
/// |-------|-----------------------------------------------------------------------------------|
/// | 0-3   | xmin                                                                              |
/// | 4-7   | xmax                                                                              |
/// | 8-11  | command id, or xvac                                                               |
/// | 12-17 | ctid: block high u16, block low u16, line pointer u16                             |
/// | 18-19 | infomask2: 07FF attributes, 2000 keys updated, 4000 HOT updated, 8000 heap-only   |
/// | 20-21 | infomask, see the constants                                                       |
/// | 22    | hoff: where the attributes begin                                                  |
/// | 23-   | null bitmap, padding                                                              |
///
/// PostgreSQL: `htup_details.h`. Static, hot: a tuple is its offset on its page.
final class HeapTuple {

  /// Bytes of the header without bitmap.
  static final int HEADER = 23;

  /// Bytes of the part of the header that a record carries: infomask2, infomask, hoff.
  static final int LOGGED_HEADER = 5;

  /// More line pointers than this never fit a heap page, and PostgreSQL does not make them.
  static final int MAX_ON_PAGE = 291;

  private static final int XMAX_KEY_SHARE = 0x0010;
  private static final int COMBO_CID = 0x0020;
  private static final int XMAX_EXCLUSIVE = 0x0040;
  private static final int XMAX_LOCK_ONLY = 0x0080;
  private static final int XMAX_IS_MULTI = 0x1000;
  private static final int XMAX_BITS = 0x1CD0;
  private static final int MOVED = 0xC000;
  private static final int KEYS_UPDATED = 0x2000;
  private static final int HOT_UPDATED = 0x4000;

  private static final int LOGGED_IS_MULTI = 0x01;
  private static final int LOGGED_LOCK_ONLY = 0x02;
  private static final int LOGGED_EXCLUSIVE = 0x04;
  private static final int LOGGED_KEY_SHARE = 0x08;
  private static final int LOGGED_KEYS_UPDATED = 0x10;

  private static final int XMAX = 4;
  private static final int COMMAND = 8;
  private static final int CTID = 12;
  private static final int INFOMASK2 = 18;
  private static final int INFOMASK = 20;
  private static final int HOFF = 22;

  private HeapTuple() {}

  /// The line pointer of a normal tuple.
  static int find(Change change, MemorySegment page, int number) {
    int item = PageItems.stored(change, page, number, HEADER);
    if (Page.pointerFlags(item) != Page.NORMAL) {
      throw change.corrupted("line pointer " + number + " of the page is not a tuple's");
    }
    return item;
  }

  /// Makes room for a tuple of `length` bytes, its header included, and writes what is the same for
  /// every new one: the header with xmin, and ctid pointing at itself. Bitmap and attributes are
  /// the caller's.
  ///
  /// @param logged where the logged part of the header is in the change
  /// @return where the tuple begins on the page
  static int add(Change change, MemorySegment page, int number, int length, long logged) {
    if (number > MAX_ON_PAGE) {
      throw change.corrupted("it fills line pointer " + number);
    }
    int hoff = Byte.toUnsignedInt(change.bytes().get(PgLayout.BYTE, logged + 4));
    if (hoff < HEADER || hoff > length) {
      throw change.corrupted("a tuple of " + length + " bytes has its attributes at " + hoff);
    }
    int tuple = PageItems.allocate(change, page, number, length);
    page.set(PgLayout.INT, tuple, change.xid());
    setXmax(page, tuple, 0);
    page.set(PgLayout.INT, tuple + (long) COMMAND, 0);
    setCtid(page, tuple, change.block(), number);
    page.set(PgLayout.SHORT, tuple + (long) INFOMASK2, change.bytes().get(PgLayout.SHORT, logged));
    setInfomask(page, tuple, change.bytes().get(PgLayout.SHORT, logged + 2) & ~COMBO_CID);
    page.set(PgLayout.BYTE, tuple + (long) HOFF, (byte) hoff);
    return tuple;
  }

  static int hoff(MemorySegment page, int tuple) {
    return Byte.toUnsignedInt(page.get(PgLayout.BYTE, tuple + (long) HOFF));
  }

  static void setXmin(MemorySegment page, int tuple, int xid) {
    page.set(PgLayout.INT, tuple, xid);
  }

  static void setXmax(MemorySegment page, int tuple, int xid) {
    page.set(PgLayout.INT, tuple + (long) XMAX, xid);
  }

  static void setXvac(MemorySegment page, int tuple, int xid) {
    page.set(PgLayout.INT, tuple + (long) COMMAND, xid);
  }

  static void setCtid(MemorySegment page, int tuple, int block, int number) {
    page.set(PgLayout.SHORT, tuple + (long) CTID, (short) (block >>> 16));
    page.set(PgLayout.SHORT, tuple + CTID + 2L, (short) block);
    page.set(PgLayout.SHORT, tuple + CTID + 4L, (short) number);
  }

  /// Forgets the command that deleted the tuple.
  static void clearCommand(MemorySegment page, int tuple) {
    page.set(PgLayout.INT, tuple + (long) COMMAND, 0);
    setInfomask(page, tuple, infomask(page, tuple) & ~COMBO_CID);
  }

  static void setMasks(MemorySegment page, int tuple, int infomask2, int infomask) {
    page.set(PgLayout.SHORT, tuple + (long) INFOMASK2, (short) infomask2);
    setInfomask(page, tuple, infomask);
  }

  static void setHotUpdated(MemorySegment page, int tuple, boolean hot) {
    int mask = page.get(PgLayout.SHORT, tuple + (long) INFOMASK2);
    mask = hot ? mask | HOT_UPDATED : mask & ~HOT_UPDATED;
    page.set(PgLayout.SHORT, tuple + (long) INFOMASK2, (short) mask);
  }

  /// Replaces all that the masks say of xmax by what a record's byte says: 1 multixact, 2 only
  /// locked, 4 exclusive, 8 key share, 10 keys updated.
  static void setXmaxBits(MemorySegment page, int tuple, int logged) {
    int mask = infomask(page, tuple) & ~(XMAX_BITS | MOVED);
    mask |= (logged & LOGGED_IS_MULTI) != 0 ? XMAX_IS_MULTI : 0;
    mask |= (logged & LOGGED_LOCK_ONLY) != 0 ? XMAX_LOCK_ONLY : 0;
    mask |= (logged & LOGGED_EXCLUSIVE) != 0 ? XMAX_EXCLUSIVE : 0;
    mask |= (logged & LOGGED_KEY_SHARE) != 0 ? XMAX_KEY_SHARE : 0;
    setInfomask(page, tuple, mask);
    int mask2 = page.get(PgLayout.SHORT, tuple + (long) INFOMASK2) & ~KEYS_UPDATED;
    mask2 |= (logged & LOGGED_KEYS_UPDATED) != 0 ? KEYS_UPDATED : 0;
    page.set(PgLayout.SHORT, tuple + (long) INFOMASK2, (short) mask2);
  }

  /// Whether xmax only locks: it says so, or is of the kind that only locks.
  static boolean isOnlyLocked(MemorySegment page, int tuple) {
    int mask = infomask(page, tuple);
    return (mask & XMAX_LOCK_ONLY) != 0
        || (mask & (XMAX_IS_MULTI | XMAX_EXCLUSIVE | XMAX_KEY_SHARE)) == XMAX_EXCLUSIVE;
  }

  private static int infomask(MemorySegment page, int tuple) {
    return page.get(PgLayout.SHORT, tuple + (long) INFOMASK);
  }

  private static void setInfomask(MemorySegment page, int tuple, int mask) {
    page.set(PgLayout.SHORT, tuple + (long) INFOMASK, (short) mask);
  }
}
