package dev.varve.redo;

import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// Redo of the Heap resource manager's records on heap pages. (Their visibility map pages: {@link
/// VisibilityMapRedo}.)
///
/// | record              | main data                                                           | block 0 data             |
/// |---------------------|---------------------------------------------------------------------|--------------------------|
/// | 0 INSERT            | offset u16, flags u8                                                | header, tuple            |
/// | 1 DELETE            | xmax u32, offset u16, xmax bits u8, flags u8                        |                          |
/// | 2 UPDATE, 4 HOT     | old xmax u32, old offset u16, old xmax bits u8, flags u8, new xmax u32, new offset u16 | [prefix u16], [suffix u16], header, tuple |
/// | 5 CONFIRM           | offset u16                                                          |                          |
/// | 6 LOCK              | xmax u32, offset u16, xmax bits u8, flags u8                        |                          |
/// | 7 INPLACE           | offset u16, from version 18 on followed by messages                 | the attributes           |
///
/// Offsets are numbers of line pointers. *Header* is infomask2 u16, infomask u16, hoff u8; *tuple*
/// what follows byte 23 of it. An UPDATE's block 0 is the page of the new tuple; block 1, if it is
/// another one, the old tuple's. Prefix and suffix say how many bytes of the attributes are the old
/// tuple's. Bit 80 of info: the page is made from nothing.
///
/// PostgreSQL: `heapam_xlog.h`, `heapam.c` (from 18 on `heapam_xlog.c`).
final class HeapRedo {

  static final int INIT_PAGE = 0x80;
  static final int OPERATION = 0x70;

  static final int INSERT_CLEARS_VISIBLE = 0x01;
  static final int INSERT_SETS_FROZEN = 0x20;
  private static final int DELETE_CLEARS_VISIBLE = 0x01;
  private static final int DELETE_IS_SUPER = 0x08;
  private static final int DELETE_MOVES_PARTITION = 0x10;
  static final int UPDATE_CLEARS_OLD_VISIBLE = 0x01;
  static final int UPDATE_CLEARS_NEW_VISIBLE = 0x02;
  private static final int UPDATE_HAS_PREFIX = 0x20;
  private static final int UPDATE_HAS_SUFFIX = 0x40;

  private static final int MOVED_BLOCK = -1;
  private static final int MOVED_OFFSET = 0xFFFD;

  /// Ids of an UPDATE's blocks.
  private static final int NEW_PAGE = 0;

  private static final int OLD_PAGE = 1;

  private HeapRedo() {}

  /// How many bytes of main data redo reads, by operation: the part in the table above.
  static int mainLength(int operation) {
    return switch (operation) {
      case RecordType.HEAP_INSERT -> 3;
      case RecordType.HEAP_CONFIRM, RecordType.HEAP_INPLACE -> 2;
      case RecordType.HEAP_DELETE, RecordType.HEAP_LOCK -> 8;
      case RecordType.HEAP_UPDATE, RecordType.HEAP_HOT_UPDATE -> 14;
      default -> Integer.MAX_VALUE;
    };
  }

  static void apply(Change change, long lsn, MemorySegment page) {
    int operation = change.info() & OPERATION;
    if (operation == RecordType.HEAP_UPDATE || operation == RecordType.HEAP_HOT_UPDATE) {
      update(change, page, operation == RecordType.HEAP_HOT_UPDATE);
    } else {
      if (change.blockId() != 0) {
        throw change.unsupported();
      }
      switch (operation) {
        case RecordType.HEAP_INSERT -> insert(change, page);
        case RecordType.HEAP_DELETE -> delete(change, page);
        case RecordType.HEAP_CONFIRM -> confirm(change, page);
        case RecordType.HEAP_LOCK -> lock(change, page);
        case RecordType.HEAP_INPLACE -> inPlace(change, page);
        default -> throw change.unsupported();
      }
    }
    Page.setLsn(page, lsn);
  }

  private static void insert(Change change, MemorySegment page) {
    prepare(change, page);
    int number = change.mainUint16(0);
    int flags = change.mainByte(2);
    change.requireData(HeapTuple.LOGGED_HEADER);
    int length = change.dataLength() - HeapTuple.LOGGED_HEADER;
    int data = change.dataOffset();
    int tuple = HeapTuple.add(change, page, number, HeapTuple.HEADER + length, data);
    MemorySegment.copy(
        change.bytes(),
        data + (long) HeapTuple.LOGGED_HEADER,
        page,
        tuple + (long) HeapTuple.HEADER,
        length);
    setVisible(page, flags);
  }

  /// Makes the page from nothing when the record says so.
  static void prepare(Change change, MemorySegment page) {
    boolean init = (change.info() & INIT_PAGE) != 0;
    if (init != change.initializes()) {
      throw change.corrupted(
          init
              ? "its block is not initialised"
              : "its block is initialised without the record's bit");
    }
    if (init) {
      Page.initialize(page, 0);
    }
  }

  /// Applies the flags of an INSERT or MULTI_INSERT to the page's all-visible bit.
  static void setVisible(MemorySegment page, int flags) {
    if ((flags & INSERT_CLEARS_VISIBLE) != 0) {
      clearVisible(page);
    }
    if ((flags & INSERT_SETS_FROZEN) != 0) {
      Page.setFlags(page, Page.flags(page) | Page.ALL_VISIBLE);
    }
  }

  private static void clearVisible(MemorySegment page) {
    Page.setFlags(page, Page.flags(page) & ~Page.ALL_VISIBLE);
  }

  private static void delete(Change change, MemorySegment page) {
    int flags = change.mainByte(7);
    int number = change.mainUint16(4);
    int tuple = Page.offset(HeapTuple.find(change, page, number));
    HeapTuple.setXmaxBits(page, tuple, change.mainByte(6));
    HeapTuple.setHotUpdated(page, tuple, false);
    if ((flags & DELETE_IS_SUPER) != 0) {
      HeapTuple.setXmin(page, tuple, 0);
    } else {
      HeapTuple.setXmax(page, tuple, change.mainInt(0));
    }
    HeapTuple.clearCommand(page, tuple);
    setPrunable(page, change.xid());
    if ((flags & DELETE_CLEARS_VISIBLE) != 0) {
      clearVisible(page);
    }
    if ((flags & DELETE_MOVES_PARTITION) != 0) {
      HeapTuple.setCtid(page, tuple, MOVED_BLOCK, MOVED_OFFSET);
    } else {
      HeapTuple.setCtid(page, tuple, change.block(), number);
    }
  }

  private static void update(Change change, MemorySegment page, boolean hot) {
    int id = change.blockId();
    if (id != NEW_PAGE && id != OLD_PAGE) {
      throw change.unsupported();
    }
    boolean onePage = !change.hasBlock(OLD_PAGE);
    int flags = change.mainByte(7);
    int old = 0;
    if (id == OLD_PAGE || onePage) {
      old = updateOld(change, page, hot, flags);
    }
    if (id == NEW_PAGE) {
      if (!onePage) {
        prepare(change, page);
      }
      updateNew(change, page, flags, old);
    }
  }

  /// @return the old tuple's line pointer
  private static int updateOld(Change change, MemorySegment page, boolean hot, int flags) {
    int item = HeapTuple.find(change, page, change.mainUint16(4));
    int tuple = Page.offset(item);
    HeapTuple.setXmaxBits(page, tuple, change.mainByte(6));
    HeapTuple.setHotUpdated(page, tuple, hot);
    HeapTuple.setXmax(page, tuple, change.mainInt(0));
    HeapTuple.clearCommand(page, tuple);
    HeapTuple.setCtid(page, tuple, change.blockNumber(NEW_PAGE), change.mainUint16(12));
    setPrunable(page, change.xid());
    if ((flags & UPDATE_CLEARS_OLD_VISIBLE) != 0) {
      clearVisible(page);
    }
    return item;
  }

  /// @param old the old tuple's line pointer, or 0 when it is on another page
  private static void updateNew(Change change, MemorySegment page, int flags, int old) {
    int at = 0;
    int prefix = 0;
    int suffix = 0;
    if ((flags & UPDATE_HAS_PREFIX) != 0) {
      prefix = change.dataUint16(at);
      at += 2;
    }
    if ((flags & UPDATE_HAS_SUFFIX) != 0) {
      suffix = change.dataUint16(at);
      at += 2;
    }
    int header = at;
    at += HeapTuple.LOGGED_HEADER;
    change.requireData(at);
    int logged = change.dataLength() - at;
    int oldTuple = Page.offset(old);
    int oldLength = Page.length(old);
    int oldHoff = prefix > 0 && old != 0 ? HeapTuple.hoff(page, oldTuple) : 0;
    if (oldHoff + prefix > oldLength || suffix > oldLength) {
      throw change.corrupted(
          "the new tuple has "
              + prefix
              + " and "
              + suffix
              + " bytes of the old one, which has "
              + oldLength);
    }
    int hoff = change.dataByte(header + 4);
    int bitmap = prefix > 0 ? hoff - HeapTuple.HEADER : logged;
    if (bitmap < 0 || bitmap > logged) {
      throw change.corrupted("its tuple has its attributes at " + hoff);
    }
    int length = HeapTuple.HEADER + logged + prefix + suffix;
    long from = change.dataOffset() + (long) at;
    int number = change.mainUint16(12);
    long to =
        HeapTuple.HEADER
            + (long)
                HeapTuple.add(change, page, number, length, change.dataOffset() + (long) header);
    MemorySegment.copy(change.bytes(), from, page, to, bitmap);
    to += bitmap;
    MemorySegment.copy(page, oldTuple + (long) oldHoff, page, to, prefix);
    to += prefix;
    MemorySegment.copy(change.bytes(), from + bitmap, page, to, logged - bitmap);
    to += logged - bitmap;
    MemorySegment.copy(page, oldTuple + (long) oldLength - suffix, page, to, suffix);
    int tuple = (int) (to + suffix - length);
    HeapTuple.setXmax(page, tuple, change.mainInt(8));
    if ((flags & UPDATE_CLEARS_NEW_VISIBLE) != 0) {
      clearVisible(page);
    }
  }

  private static void confirm(Change change, MemorySegment page) {
    int number = change.mainUint16(0);
    int tuple = Page.offset(HeapTuple.find(change, page, number));
    HeapTuple.setCtid(page, tuple, change.block(), number);
  }

  private static void lock(Change change, MemorySegment page) {
    int number = change.mainUint16(4);
    int tuple = Page.offset(HeapTuple.find(change, page, number));
    HeapTuple.setXmaxBits(page, tuple, change.mainByte(6));
    if (HeapTuple.isOnlyLocked(page, tuple)) {
      HeapTuple.setHotUpdated(page, tuple, false);
      HeapTuple.setCtid(page, tuple, change.block(), number);
    }
    HeapTuple.setXmax(page, tuple, change.mainInt(0));
    HeapTuple.clearCommand(page, tuple);
  }

  private static void inPlace(Change change, MemorySegment page) {
    int item = HeapTuple.find(change, page, change.mainUint16(0));
    int tuple = Page.offset(item);
    int hoff = HeapTuple.hoff(page, tuple);
    int length = Page.length(item) - hoff;
    if (length != change.dataLength()) {
      throw change.corrupted("it has " + change.dataLength() + " bytes for a tuple with " + length);
    }
    MemorySegment.copy(change.bytes(), change.dataOffset(), page, tuple + (long) hoff, length);
  }

  /// Remembers the oldest transaction that may have left something to prune.
  private static void setPrunable(MemorySegment page, int xid) {
    int known = Page.pruneXid(page);
    if (known == 0 || precedes(xid, known)) {
      Page.setPruneXid(page, xid);
    }
  }

  /// Circular order of normal xids; the three special ones are before all.
  private static boolean precedes(int xid, int that) {
    boolean normal = Integer.compareUnsigned(xid, 3) >= 0 && Integer.compareUnsigned(that, 3) >= 0;
    return normal ? xid - that < 0 : Integer.compareUnsigned(xid, that) < 0;
  }
}
