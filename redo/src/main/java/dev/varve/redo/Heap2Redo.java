package dev.varve.redo;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// Redo of the Heap2 resource manager's records on heap pages: many tuples at once.
///
/// | record         | block | main data                                  | that block's data                |
/// |----------------|------:|--------------------------------------------|----------------------------------|
/// | 1, 2, 3        |     0 | see {@link PruneRedo}                      |                                  |
/// | 4 VISIBLE      |     1 | cutoff xid u32, flags u8                   |                                  |
/// | 5 MULTI_INSERT |     0 | flags u8, padding, count n u16, offsets n × u16 unless bit 80 of info is set | n × (length u16, infomask2 u16, infomask u16, hoff u8, tuple), each from an even byte on |
/// | 6 LOCK_UPDATED |     0 | xmax u32, offset u16, xmax bits u8, flags u8 |                                |
///
/// REWRITE (0) and NEW_CID (7) touch no page. PostgreSQL: `heapam_xlog.h`.
final class Heap2Redo {

  private static final int OPERATION = 0x70;
  private static final int PRUNE_FIRST = 0x10;
  private static final int PRUNE_LAST = 0x30;

  private static final int VISIBLE_HEAP_PAGE = 1;

  /// Where the offsets begin in the main data of MULTI_INSERT.
  static final int OFFSETS = 4;

  private static final int MULTI_HEADER = 2 + HeapTuple.LOGGED_HEADER;

  private Heap2Redo() {}

  static void apply(Change change, PgVersion version, long lsn, MemorySegment page) {
    int operation = change.info() & OPERATION;
    int block = operation == RecordType.HEAP2_VISIBLE ? VISIBLE_HEAP_PAGE : 0;
    if (change.blockId() != block) {
      throw change.unsupported();
    }
    switch (operation) {
      case RecordType.HEAP2_VISIBLE -> visible(change, page);
      case RecordType.HEAP2_MULTI_INSERT -> multiInsert(change, page);
      case RecordType.HEAP2_LOCK_UPDATED -> lockUpdated(change, page);
      default -> {
        if (operation < PRUNE_FIRST || operation > PRUNE_LAST) {
          throw change.unsupported();
        }
        PruneRedo.apply(change, version, operation, page);
      }
    }
    Page.setLsn(page, lsn);
  }

  /// The all-visible bit is a hint to PostgreSQL, which leaves the page's LSN alone unless it has
  /// checksums or `wal_log_hints`; the record does not say. Here the page always gets the LSN: it
  /// then always tells its newest version, and every later change has a greater one.
  private static void visible(Change change, MemorySegment page) {
    PageItems.count(change, page);
    Page.setFlags(page, Page.flags(page) | Page.ALL_VISIBLE);
  }

  private static void multiInsert(Change change, MemorySegment page) {
    HeapRedo.prepare(change, page);
    boolean init = change.initializes();
    int count = change.mainUint16(2);
    change.requireMain(init ? OFFSETS : OFFSETS + 2 * count);
    int at = 0;
    for (int i = 0; i < count; i++) {
      int number = init ? i + 1 : change.mainUint16(OFFSETS + 2 * i);
      at += at & 1;
      int length = change.dataUint16(at);
      int tupleAt = at + MULTI_HEADER;
      change.requireData(tupleAt + length);
      int tuple =
          HeapTuple.add(
              change, page, number, HeapTuple.HEADER + length, change.dataOffset() + at + 2L);
      MemorySegment.copy(
          change.bytes(),
          change.dataOffset() + (long) tupleAt,
          page,
          tuple + (long) HeapTuple.HEADER,
          length);
      at = tupleAt + length;
    }
    if (at != change.dataLength()) {
      throw change.corrupted(
          count + " tuples take " + at + " of the block's " + change.dataLength() + " bytes");
    }
    HeapRedo.setVisible(page, change.mainByte(0));
  }

  private static void lockUpdated(Change change, MemorySegment page) {
    int tuple = Page.offset(HeapTuple.find(change, page, change.mainUint16(4)));
    HeapTuple.setXmaxBits(page, tuple, change.mainByte(6));
    HeapTuple.setXmax(page, tuple, change.mainInt(0));
  }
}
