package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.BYTE;

import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;

/// What a change of a heap page does to the visibility map without saying so: the record tells only
/// that the page is no longer all-visible (or all-frozen), and whoever replays it clears the bits
/// of that heap block in the map. A flyweight that is reused for every record: nothing is
/// allocated. Not thread-safe.
///
/// Where the byte of flags is in the main data, and what its bits mean:
///
/// | record              | rmgr, type  | flags at | bits                                             |
/// |---------------------|-------------|----------|--------------------------------------------------|
/// | INSERT              | Heap `00`   | 2        | 1: block 0, both bits                            |
/// | DELETE              | Heap `10`   | 7        | 1: block 0, both bits                            |
/// | UPDATE, HOT_UPDATE  | Heap `20` `40` | 7     | 1: the old tuple's block; 2: the new one's; both bits |
/// | LOCK                | Heap `60`   | 7        | 1: block 0, all-frozen only                      |
/// | MULTI_INSERT        | Heap2 `50`  | 0        | 1: block 0, both bits                            |
/// | LOCK_UPDATED        | Heap2 `60`  | 7        | 1: block 0, all-frozen only                      |
///
/// The new tuple's block is block 0; the old one's is block 1 if the record has one, else 0.
///
/// From some minor release on (17.11 and 18.6 do it, 17.5 and 18.1 do not) the page of the map is a
/// block reference of the record itself, of fork 2, and changes like every referenced page; then
/// there is nothing to do here. PostgreSQL's `access/heapam_xlog.h`.
public final class HeapVisibility {

  public static final int ALL_VISIBLE = 1;
  public static final int ALL_FROZEN = 2;

  private static final int HEAP2 = 9;
  private static final int HEAP = 10;
  private static final int OPERATION = 0x70;
  private static final int VISIBILITY_FORK = 2;
  private static final int BOTH = ALL_VISIBLE | ALL_FROZEN;

  /// That the record's kind has no such flags.
  private static final int NONE = -1;

  private int bits;
  private int entry;
  private int firstBlock;
  private boolean hasSecond;
  private int secondBlock;

  /// Whether the record clears bits of the visibility map that none of its block references are
  /// for.
  ///
  /// @param record of any resource manager
  /// @throws WalException if its main data is too short, or the block that it must name is missing
  public boolean parse(WalRecord record) {
    int at = flagsAt(record.rmgr(), record.info() & OPERATION);
    if (at == NONE) {
      return false;
    }
    if (record.mainDataLength() <= at) {
      throw new WalException(
          record.startLsn(),
          "a heap record has " + record.mainDataLength() + " bytes of main data only");
    }
    int flags = record.bytes().get(BYTE, record.mainDataOffset() + at) & 0xFF;
    boolean update = isUpdate(record);
    if ((flags & (update ? 3 : 1)) == 0 || refersToMap(record)) {
      return false;
    }
    entry = record.findBlock(0);
    if (entry < 0) {
      throw new WalException(record.startLsn(), "a heap record has no block 0");
    }
    bits = isLock(record) ? ALL_FROZEN : BOTH;
    firstBlock = record.block(entry);
    hasSecond = false;
    if (update) {
      chooseBlocks(record, flags);
    }
    return true;
  }

  private void chooseBlocks(WalRecord record, int flags) {
    int old = record.findBlock(1);
    int oldBlock = old < 0 ? firstBlock : record.block(old);
    if ((flags & 1) == 0) {
      return;
    }
    if ((flags & 2) == 0) {
      firstBlock = oldBlock;
    } else if (oldBlock != firstBlock) {
      hasSecond = true;
      secondBlock = oldBlock;
    }
  }

  private static int flagsAt(int rmgr, int operation) {
    if (rmgr == HEAP) {
      return switch (operation) {
        case 0x00 -> 2;
        case 0x10, 0x20, 0x40, 0x60 -> 7;
        default -> NONE;
      };
    }
    if (rmgr == HEAP2) {
      return switch (operation) {
        case 0x50 -> 0;
        case 0x60 -> 7;
        default -> NONE;
      };
    }
    return NONE;
  }

  private static boolean isUpdate(WalRecord record) {
    int operation = record.info() & OPERATION;
    return record.rmgr() == HEAP && (operation == 0x20 || operation == 0x40);
  }

  private static boolean isLock(WalRecord record) {
    return (record.info() & OPERATION) == 0x60;
  }

  private static boolean refersToMap(WalRecord record) {
    for (int i = 0; i < record.blockCount(); i++) {
      if (record.fork(i) == VISIBILITY_FORK) {
        return true;
      }
    }
    return false;
  }

  /// The bits to clear: {@link #ALL_VISIBLE}, {@link #ALL_FROZEN} or both.
  public int bits() {
    return bits;
  }

  /// The place of the block reference that names the relation.
  public int blockEntry() {
    return entry;
  }

  /// The heap block whose bits are to be cleared.
  public int firstBlock() {
    return firstBlock;
  }

  /// Whether there is another heap block.
  public boolean hasSecondBlock() {
    return hasSecond;
  }

  /// The other heap block; meaningless unless {@link #hasSecondBlock()}.
  public int secondBlock() {
    return secondBlock;
  }
}
