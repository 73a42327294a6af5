package dev.varve.verify;

import dev.varve.datadir.RelationFork;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// Which full-page images say more than the page: those whose record has, all the same, what redo
/// needs.
///
/// | record                                        | why                                           |
/// |-----------------------------------------------|-----------------------------------------------|
/// | XLOG FPI_FOR_HINT                             | nothing happens to the page but hints         |
/// | Heap DELETE, LOCK, HEAP_CONFIRM; Heap2 LOCK_UPDATED | all is in the main data                 |
/// | Heap UPDATE, HOT_UPDATE: the old tuple's page | likewise                                      |
/// | Heap INSERT, UPDATE, HOT_UPDATE with data     | `wal_level` logical keeps the tuple           |
///
/// Not compared: pages of other forks than the main one (a free space map is never exact), and of
/// sequences, whose value is ahead in the log. XLOG FPI logs new pages, and whatever an extension
/// such as pg_surgery did to an old one.
final class FullImages {

  private static final int INSERT = 0x00;
  private static final int DELETE = 0x10;
  private static final int UPDATE = 0x20;
  private static final int HOT_UPDATE = 0x40;
  private static final int CONFIRM = 0x50;
  private static final int LOCK = 0x60;
  private static final int LOCK_UPDATED = 0x60;
  private static final int OLD_PAGE = 1;
  private static final int SEQUENCE = 0x1717;

  /// A sequence's special space: its mark alone.
  private static final int SEQUENCE_SPECIAL = Page.SIZE - 8;

  private FullImages() {}

  /// Whether the image of a block can be compared with what redo makes of the page before.
  static boolean areComparable(WalRecord record, int i) {
    if (record.fork(i) != RelationFork.MAIN) {
      return false;
    }
    int type = record.info() & RecordType.MASK;
    int operation = type & ~RecordType.INIT_PAGE;
    return switch (ResourceManager.of(record.rmgr())) {
      case XLOG -> type == RecordType.XLOG_FPI_FOR_HINT;
      case HEAP ->
          switch (operation) {
            case DELETE, LOCK, CONFIRM -> true;
            case UPDATE, HOT_UPDATE -> record.blockId(i) == OLD_PAGE || record.hasData(i);
            case INSERT -> record.hasData(i);
            default -> false;
          };
      case HEAP2 -> operation == LOCK_UPDATED;
      default -> false;
    };
  }

  /// Whether the record does anything besides giving images.
  static boolean hasChange(WalRecord record) {
    return record.rmgr() != ResourceManager.XLOG.id();
  }

  static boolean isSequence(MemorySegment page) {
    return Page.special(page) == SEQUENCE_SPECIAL
        && page.get(PgLayout.INT, SEQUENCE_SPECIAL) == SEQUENCE;
  }
}
