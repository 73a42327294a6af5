package dev.varve.redo;

import static dev.varve.postgres.PgLayout.LONG;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// What the records of the hash access method do to their pages.
///
/// | record              | main data                                                           |
/// |---------------------|---------------------------------------------------------------------|
/// | INIT_META_PAGE      | items expected f64, hash function's OID u32, items a bucket u16     |
/// | INIT_BITMAP_PAGE    | bytes of the bitmap u16                                             |
/// | INSERT              | number of the item u16                                              |
/// | ADD_OVFL_PAGE       | bytes of a bitmap u16, whether the page was a free one u8           |
/// | SPLIT_ALLOCATE_PAGE | new bucket u32, flags of the old one u16 and the new u16, what data |
/// |                     | block 2 has u8: 1 masks, 2 split point                              |
/// | SPLIT_COMPLETE      | flags of the old bucket u16 and of the new u16                      |
/// | MOVE_PAGE_CONTENTS  | how many items move u16, whether block 1 is a first page u8         |
/// | SQUEEZE_PAGE        | page before u32, after u32, how many items move u16, whether block  |
/// |                     | 1 is a first page u8, whether it is the page before u8              |
/// | DELETE              | whether no dead items are left u8, whether of a first page u8       |
/// | UPDATE_META_PAGE    | how many items there are f64                                        |
/// | VACUUM_ONE_PAGE     | conflict horizon u32, how many items go (14, 15: i32; later u16 and |
/// |                     | a catalog flag u8), their numbers from 8 on, u16 each               |
/// | SPLIT_PAGE, SPLIT_CLEANUP | none                                                          |
///
/// | record              | block: what becomes of it (its data)                                |
/// |---------------------|---------------------------------------------------------------------|
/// | INIT_META_PAGE      | 0 metapage: made anew                                               |
/// | INIT_BITMAP_PAGE    | 0 bitmap: made anew; 1 metapage: lists it                           |
/// | INSERT              | 0: gets an item (the tuple); 1 metapage: counts it                  |
/// | ADD_OVFL_PAGE       | 0 overflow page: made anew (its bucket u32); 1 page before: points  |
/// |                     | to it; 2 bitmap: in use (bit u32); 3 next bitmap: made anew;        |
/// |                     | 4 metapage: counts it (first free u32)                              |
/// | SPLIT_ALLOCATE_PAGE | 0 old bucket; 1 new bucket: made anew; 2 metapage (lower and higher |
/// |                     | mask u32 each; split point u32, its overflow pages u32)             |
/// | SPLIT_PAGE          | 0: has always been restored from its image                          |
/// | SPLIT_COMPLETE      | 0 old bucket; 1 new bucket                                          |
/// | MOVE_PAGE_CONTENTS  | 1: gets items (numbers u16, then tuples); 2: loses items (numbers)  |
/// | SQUEEZE_PAGE        | 1: gets items; 2: becomes free; 3 page before, 4 page after: skip   |
/// |                     | it; 5 bitmap: free (bit u32); 6 metapage (first free u32)           |
/// | DELETE              | 1: loses items (numbers)                                            |
/// | SPLIT_CLEANUP       | 0 bucket                                                            |
/// | UPDATE_META_PAGE    | 0 metapage                                                          |
/// | VACUUM_ONE_PAGE     | 0: loses items; 1 metapage: counts them out                         |
///
/// Block 0 of MOVE_PAGE_CONTENTS, SQUEEZE_PAGE and DELETE is the bucket's first page, where it is
/// none of the others: it was locked only, and is left as it is, its LSN too. PostgreSQL's
/// `access/hash_xlog.h`.
final class HashRedo {

  private static final int OPERATION = 0xF0;

  private HashRedo() {}

  /// How much of the main data redo of a block reads; all where it makes no difference.
  static int mainLength(int info, int blockId) {
    return switch (info & OPERATION) {
      case RecordType.HASH_MOVE_PAGE_CONTENTS, RecordType.HASH_DELETE ->
          blockId == 1 ? Integer.MAX_VALUE : 0;
      case RecordType.HASH_SQUEEZE_PAGE ->
          blockId == 1 || blockId == 3 || blockId == 4 ? Integer.MAX_VALUE : 0;
      case RecordType.HASH_INSERT, RecordType.HASH_INIT_BITMAP_PAGE ->
          blockId == 0 ? Integer.MAX_VALUE : 0;
      case RecordType.HASH_ADD_OVFL_PAGE -> blockId >= 3 ? Integer.MAX_VALUE : 0;
      case RecordType.HASH_VACUUM_ONE_PAGE -> blockId == 0 ? Integer.MAX_VALUE : 8;
      default -> Integer.MAX_VALUE;
    };
  }

  /// Whether redo of a block asks for another one's number: only when an overflow page is added.
  static boolean needs(int info, int blockId, int other) {
    return (info & OPERATION) == RecordType.HASH_ADD_OVFL_PAGE
        && switch (blockId) {
          case 0 -> other == 1;
          case 1 -> other == 0;
          case 4 -> other == 3;
          default -> false;
        };
  }

  static void apply(Change change, long lsn, MemorySegment page) {
    if (change(change, page)) {
      Page.setLsn(page, lsn);
    }
  }

  /// Changes the page. @return whether there was anything to change
  private static boolean change(Change change, MemorySegment page) {
    switch (change.info() & OPERATION) {
      case RecordType.HASH_INIT_META_PAGE -> {
        change.requireBlock(0);
        HashMetapage.initialize(change, page);
      }
      case RecordType.HASH_INIT_BITMAP_PAGE -> initializeBitmap(change, page);
      case RecordType.HASH_INSERT -> insert(change, page);
      case RecordType.HASH_ADD_OVFL_PAGE -> addOverflow(change, page);
      case RecordType.HASH_SPLIT_ALLOCATE_PAGE -> allocateSplit(change, page);
      case RecordType.HASH_SPLIT_PAGE -> throw change.corrupted("the record has no image of it");
      case RecordType.HASH_SPLIT_COMPLETE -> completeSplit(change, page);
      case RecordType.HASH_MOVE_PAGE_CONTENTS -> {
        return HashMoves.move(change, page);
      }
      case RecordType.HASH_SQUEEZE_PAGE -> {
        return HashMoves.squeeze(change, page);
      }
      case RecordType.HASH_DELETE -> {
        return delete(change, page);
      }
      case RecordType.HASH_SPLIT_CLEANUP -> {
        change.requireBlock(0);
        HashPage.require(change, page, HashPage.BUCKET);
        HashPage.clearFlags(page, HashPage.NEEDS_CLEANUP);
      }
      case RecordType.HASH_UPDATE_META_PAGE -> {
        change.requireBlock(0);
        change.requireMain(8);
        HashMetapage.setTuples(change, page, change.bytes().get(LONG, change.mainOffset()));
      }
      case RecordType.HASH_VACUUM_ONE_PAGE -> vacuumPage(change, page);
      default -> throw change.unsupported();
    }
    return true;
  }

  private static void initializeBitmap(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> HashPage.initializeBitmap(change, page, change.mainUint16(0));
      case 1 -> HashMetapage.addFirstMap(change, page);
      default -> throw change.strangeBlock();
    }
  }

  private static void insert(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> {
        HashPage.require(change, page, HashPage.ITEMS);
        int length = change.dataLength();
        if (BtreeTuple.require(change, change.bytes(), change.dataOffset(), length) != length) {
          throw change.corrupted("more follows the tuple");
        }
        IndexItems.add(
            change, page, change.mainUint16(0), change.bytes(), change.dataOffset(), length);
      }
      case 1 -> HashMetapage.addTuples(change, page, 1);
      default -> throw change.strangeBlock();
    }
  }

  private static void addOverflow(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 ->
          HashPage.initialize(page, change.blockNumber(1), change.dataInt(0), HashPage.OVERFLOW);
      case 1 -> {
        HashPage.require(change, page, HashPage.ITEMS);
        HashPage.setNext(page, change.blockNumber(0));
      }
      case 2 -> HashPage.setBit(change, page, change.dataInt(0), true);
      case 3 -> HashPage.initializeBitmap(change, page, change.mainUint16(0));
      case 4 -> {
        HashMetapage.setFirstFree(change, page, change.dataInt(0));
        boolean wasFree = change.mainByte(2) != 0;
        if (!wasFree) {
          HashMetapage.countOverflow(change, page);
          if (change.hasBlock(3)) {
            HashMetapage.countMap(change, page, change.blockNumber(3));
          }
        }
      }
      default -> throw change.strangeBlock();
    }
  }

  private static void allocateSplit(Change change, MemorySegment page) {
    int bucket = change.mainInt(0);
    switch (change.blockId()) {
      case 0 -> {
        HashPage.require(change, page, HashPage.BUCKET);
        HashPage.setFlags(page, change.mainUint16(4));
        HashPage.setPrevious(page, bucket);
      }
      case 1 -> HashPage.initialize(page, bucket, bucket, change.mainUint16(6));
      case 2 -> {
        HashMetapage.setMaxBucket(change, page, bucket);
        int has = change.mainByte(8);
        int at = 0;
        if ((has & 1) != 0) {
          HashMetapage.setMasks(page, change.dataInt(0), change.dataInt(4));
          at = 8;
        }
        if ((has & 2) != 0) {
          HashMetapage.setSplitPoint(change, page, change.dataInt(at), change.dataInt(at + 4));
        }
      }
      default -> throw change.strangeBlock();
    }
  }

  private static void completeSplit(Change change, MemorySegment page) {
    if (change.blockId() > 1) {
      throw change.strangeBlock();
    }
    HashPage.require(change, page, HashPage.BUCKET);
    HashPage.setFlags(page, change.mainUint16(change.blockId() * 2));
  }

  private static boolean delete(Change change, MemorySegment page) {
    return switch (change.blockId()) {
      case 0 -> false;
      case 1 -> {
        HashMoves.remove(change, page);
        if (change.mainByte(0) != 0) {
          HashPage.clearFlags(page, HashPage.HAS_DEAD);
        }
        yield true;
      }
      default -> throw change.strangeBlock();
    };
  }

  private static void vacuumPage(Change change, MemorySegment page) {
    int count =
        change.version().isAtLeast(PgVersion.V16) ? change.mainUint16(4) : change.mainInt(4);
    switch (change.blockId()) {
      case 0 -> {
        HashPage.require(change, page, HashPage.ITEMS);
        if (count < 0 || count > change.mainLength() / 2 - 4) {
          throw change.corrupted(
              "the numbers of %d items in %d bytes".formatted(count, change.mainLength()));
        }
        IndexItems.removeAll(change, page, change.bytes(), change.mainOffset() + 8L, count);
        HashPage.clearFlags(page, HashPage.HAS_DEAD);
      }
      case 1 -> HashMetapage.addTuples(change, page, -count);
      default -> throw change.strangeBlock();
    }
  }
}
