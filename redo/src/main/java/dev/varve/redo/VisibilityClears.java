package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.ResourceManager;
import java.lang.foreign.MemorySegment;

/// Which visibility map bits a heap record clears: what its flags say.
///
/// | record                            | flags byte of main data | bit | whose bits                          |
/// |-----------------------------------|------------------------:|----:|-------------------------------------|
/// | Heap INSERT                       |                       2 |   1 | block 0: both                       |
/// | Heap DELETE                       |                       7 |   1 | block 0: both                       |
/// | Heap UPDATE, HOT_UPDATE           |                       7 |   1 | the old tuple's block (1, else 0): both |
/// |                                   |                         |   2 | the new tuple's block (0): both     |
/// | Heap LOCK, Heap2 LOCK_UPDATED     |                       7 |   1 | block 0: all-frozen only            |
/// | Heap2 MULTI_INSERT                |                       0 |   1 | block 0: both                       |
///
/// The minors of 17 and 18 from August 2026 on name the map page as a block of the record, when a
/// bit was really set. For records that name no map page see {@link
/// dev.varve.postgres.record.HeapVisibility} and {@link ChangeWriter#clearVisibility}.
///
/// PostgreSQL: `heapam_xlog.h`.
final class VisibilityClears {

  /// In an answer: bits of the block that the new tuple, or the only one, is on: block 0.
  static final int NEW = 4;

  /// In an answer: bits of the block that the updated tuple was on.
  static final int OLD = 8;

  /// The record is of a type that never clears bits.
  static final int UNKNOWN = -1;

  private VisibilityClears() {}

  /// What the record says it clears: {@link #NEW} and {@link #OLD}, and in the low two bits which
  /// bits ({@link ChangeWriter#BOTH_BITS} or {@link ChangeWriter#ALL_FROZEN_BIT}); or 0, or {@link
  /// #UNKNOWN}. The old block is that of block reference 1, or of 0 when there is no 1.
  static int of(Change change) {
    return of(
        change.rmgr(), change.info(), change.bytes(), change.mainOffset(), change.mainLength());
  }

  private static int of(int rmgr, int info, MemorySegment bytes, long main, int length) {
    int flagsAt = flagsAt(rmgr, info & 0x70);
    if (flagsAt < 0 || flagsAt >= length) {
      return UNKNOWN;
    }
    int flags = bytes.get(PgLayout.BYTE, main + flagsAt);
    if (isUpdate(rmgr, info & 0x70)) {
      int old = (flags & HeapRedo.UPDATE_CLEARS_OLD_VISIBLE) != 0 ? OLD : 0;
      int now = (flags & HeapRedo.UPDATE_CLEARS_NEW_VISIBLE) != 0 ? NEW : 0;
      return (old | now) == 0 ? 0 : old | now | ChangeWriter.BOTH_BITS;
    }
    if ((flags & 1) == 0) {
      return 0;
    }
    return isLock(info & 0x70) ? NEW | ChangeWriter.ALL_FROZEN_BIT : NEW | ChangeWriter.BOTH_BITS;
  }

  private static boolean isUpdate(int rmgr, int operation) {
    return rmgr == ResourceManager.HEAP.id() && (operation == 0x20 || operation == 0x40);
  }

  /// Heap LOCK and Heap2 LOCK_UPDATED have the same number.
  private static boolean isLock(int operation) {
    return operation == 0x60;
  }

  /// Which byte of main data has the flags, or -1.
  private static int flagsAt(int rmgr, int operation) {
    if (rmgr == ResourceManager.HEAP.id()) {
      return switch (operation) {
        case 0x00 -> 2;
        case 0x10, 0x20, 0x40, 0x60 -> 7;
        default -> -1;
      };
    }
    return switch (operation) {
      case 0x50 -> 0;
      case 0x60 -> 7;
      default -> -1;
    };
  }
}
