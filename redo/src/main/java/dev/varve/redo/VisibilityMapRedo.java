package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import java.lang.foreign.MemorySegment;

/// Redo on visibility map pages: two bits a heap block, 1 all-visible, 2 all-frozen, from byte 24
/// on, the block with the lowest number in the low bits; 32,672 heap blocks a page.
///
/// Heap2 VISIBLE (cutoff xid u32, flags u8) sets bits on block 0 for the heap block of block 1. The
/// other heap records clear bits; from the minors of August 2026 on by a block reference to the map
/// page, before that without one ({@link VisibilityClears}).
///
/// PostgreSQL makes a new map page an empty one before it changes it. PostgreSQL:
/// `visibilitymap.c`, `heapam_xlog.c`.
final class VisibilityMapRedo {

  static final int HEAP_BLOCKS_PER_PAGE = (Page.SIZE - Page.HEADER) * 4;
  private static final int VISIBLE_MAP_PAGE = 0;
  private static final int VISIBLE_HEAP_PAGE = 1;
  private static final int VISIBLE_FLAGS = 4;
  private static final int BOTH = ChangeWriter.BOTH_BITS;
  private static final int NONE = -1;

  private VisibilityMapRedo() {}

  /// A record of Heap or Heap2 that names this map page.
  static void apply(Change change, long lsn, MemorySegment page) {
    if (Page.isNew(page)) {
      Page.initialize(page, 0);
    }
    boolean changed;
    if (change.rmgr() == ResourceManager.HEAP2.id()
        && (change.info() & 0x70) == RecordType.HEAP2_VISIBLE) {
      changed = set(change, page);
    } else {
      changed = clear(change, page);
    }
    if (changed) {
      Page.setLsn(page, lsn);
    }
  }

  private static boolean set(Change change, MemorySegment page) {
    if (change.blockId() != VISIBLE_MAP_PAGE) {
      throw change.unsupported();
    }
    int heapBlock = change.blockNumber(VISIBLE_HEAP_PAGE);
    if (!isOnPage(heapBlock, change.block())) {
      throw change.corrupted("block " + Integer.toUnsignedString(heapBlock) + " is on another one");
    }
    int bits = change.mainByte(VISIBLE_FLAGS) & BOTH;
    int at = Page.HEADER + byteOf(heapBlock);
    int old = page.get(PgLayout.BYTE, at);
    int now = old | bits << shiftOf(heapBlock);
    page.set(PgLayout.BYTE, at, (byte) now);
    return old != (byte) now;
  }

  private static boolean clear(Change change, MemorySegment page) {
    int clears = VisibilityClears.of(change);
    if (clears == VisibilityClears.UNKNOWN) {
      throw change.unsupported();
    }
    boolean changed = false;
    int bits = clears & BOTH;
    if ((clears & VisibilityClears.NEW) != 0) {
      changed = clearOnPage(change.blockNumber(0), change.block(), bits, page);
    }
    if ((clears & VisibilityClears.OLD) != 0) {
      int old = change.hasBlock(1) ? change.blockNumber(1) : change.blockNumber(0);
      changed |= clearOnPage(old, change.block(), bits, page);
    }
    return changed;
  }

  private static boolean clearOnPage(int heapBlock, int mapBlock, int bits, MemorySegment page) {
    return isOnPage(heapBlock, mapBlock) && clearBits(heapBlock, bits, page);
  }

  private static boolean isOnPage(int heapBlock, int mapBlock) {
    return Integer.divideUnsigned(heapBlock, HEAP_BLOCKS_PER_PAGE) == mapBlock;
  }

  private static boolean clearBits(int heapBlock, int bits, MemorySegment page) {
    int at = Page.HEADER + byteOf(heapBlock);
    int old = page.get(PgLayout.BYTE, at);
    int now = old & ~(bits << shiftOf(heapBlock));
    page.set(PgLayout.BYTE, at, (byte) now);
    return now != old;
  }

  private static int byteOf(int heapBlock) {
    return Integer.remainderUnsigned(heapBlock, HEAP_BLOCKS_PER_PAGE) / 4;
  }

  private static int shiftOf(int heapBlock) {
    return Integer.remainderUnsigned(heapBlock, 4) * 2;
  }

  /// {@link ChangeWriter#clearVisibility}: whatever the page's LSN.
  static void clear(Key key, long lsn, MemorySegment page, MemorySegment change) {
    if (change.byteSize() != ChangeWriter.CLEAR_VISIBILITY_BYTES) {
      throw Redo.damaged(key, lsn, "it has " + change.byteSize() + " bytes");
    }
    if (Page.isNew(page)) {
      Page.initialize(page, 0);
    }
    int bits = change.get(PgLayout.BYTE, 1) & BOTH;
    clearBits(change.get(PgLayout.INT, 3), bits, page);
    int other = change.get(PgLayout.INT, 7);
    if (other != NONE) {
      clearBits(other, bits, page);
    }
    if (change.get(PgLayout.BYTE, 2) != 0) {
      Page.setLsn(page, lsn);
    }
  }

  /// {@link ChangeWriter#truncateVisibility}: whatever the page's LSN, which stays.
  static void truncate(Key key, long lsn, MemorySegment page, MemorySegment change) {
    if (change.byteSize() != ChangeWriter.TRUNCATE_VISIBILITY_BYTES) {
      throw Redo.damaged(key, lsn, "it has " + change.byteSize() + " bytes");
    }
    if (Page.isNew(page)) {
      return;
    }
    int heapBlocks = change.get(PgLayout.INT, 1);
    int at = Page.HEADER + byteOf(heapBlocks);
    int kept = page.get(PgLayout.BYTE, at) & (1 << shiftOf(heapBlocks)) - 1;
    page.set(PgLayout.BYTE, at, (byte) kept);
    page.asSlice(at + 1L).fill((byte) 0);
  }
}
