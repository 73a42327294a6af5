package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// What the records of the BRIN access method do to their pages.
///
/// | record          | main data                                                            |
/// |-----------------|----------------------------------------------------------------------|
/// | CREATE_INDEX    | heap blocks a range u32, version u16                                 |
/// | INSERT          | first heap block u32, heap blocks a range u32, number of the item u16|
/// | UPDATE          | number of the old item u16, 2 bytes of padding, then as INSERT       |
/// | SAMEPAGE_UPDATE | number of the item u16                                               |
/// | REVMAP_EXTEND   | block number of the new page of the range map u32                    |
/// | DESUMMARIZE     | heap blocks a range u32, first heap block u32, number of the item u16|
///
/// | record          | block: what becomes of it (its data)                                 |
/// |-----------------|----------------------------------------------------------------------|
/// | CREATE_INDEX    | 0 metapage: made anew                                                |
/// | INSERT, UPDATE  | 0: gets the item (the tuple), info bit 80: is made anew for it;      |
/// |                 | 1 range map: points to it; 2 (UPDATE): loses the old item            |
/// | SAMEPAGE_UPDATE | 0: gets another tuple for an item (the tuple)                        |
/// | REVMAP_EXTEND   | 0 metapage; 1 range map: made anew                                   |
/// | DESUMMARIZE     | 0 range map: points nowhere; 1: loses the item                       |
///
/// Items keep their numbers, because the range map names them: a line pointer becomes unused and is
/// filled again. PostgreSQL's `access/brin_xlog.h` and `access/brin_page.h`.
///
/// | bytes     | field of                                                                   |
/// |-----------|----------------------------------------------------------------------------|
/// | 24-27     | the metapage: magic, A8109CFA                                              |
/// | 28-31     | the metapage: version                                                      |
/// | 32-35     | the metapage: heap blocks a range                                          |
/// | 36-39     | the metapage: last block of the range map, which begins with block 1       |
/// | 24-8183   | the range map: of 1360 ranges the block (high half, low half) and number   |
/// |           | of the item, u16 each; block FFFFFFFF and number 0 if there is none        |
/// | 8188-8189 | all: flags, 1 if it is to make room for the range map; never logged        |
/// | 8190-8191 | all: F091 metapage, F092 range map, F093 page with items                   |
final class BrinRedo {

  private static final int OPERATION = 0x70;
  private static final int INIT = 0x80;

  private static final int SPECIAL = 8;
  private static final int START = Page.SIZE - SPECIAL;
  private static final long KIND = START + 6;
  private static final int META = 0xF091;
  private static final int MAP = 0xF092;
  private static final int ITEMS = 0xF093;

  private static final int MAGIC = 0xA8109CFA;
  private static final long LAST_MAP_PAGE = 36;
  private static final int META_END = 40;

  private static final int TID = 6;
  private static final int RANGES_PER_PAGE = (START - Page.HEADER) / TID;

  private BrinRedo() {}

  /// Whether redo of a block asks for another one's number: the range map for that of the item.
  static boolean needs(int info, int blockId, int other) {
    int operation = info & OPERATION;
    return (operation == RecordType.BRIN_INSERT || operation == RecordType.BRIN_UPDATE)
        && blockId == 1
        && other == 0;
  }

  /// Changes the page, and gives it the LSN.
  static void apply(Change change, long lsn, MemorySegment page) {
    switch (change.info() & OPERATION) {
      case RecordType.BRIN_CREATE_INDEX -> create(change, page);
      case RecordType.BRIN_INSERT -> insert(change, 0, page);
      case RecordType.BRIN_UPDATE -> update(change, page);
      case RecordType.BRIN_SAMEPAGE_UPDATE -> overwrite(change, page);
      case RecordType.BRIN_REVMAP_EXTEND -> extend(change, page);
      case RecordType.BRIN_DESUMMARIZE -> desummarize(change, page);
      default -> throw change.unsupported();
    }
    Page.setLsn(page, lsn);
  }

  private static void create(Change change, MemorySegment page) {
    if (change.blockId() != 0) {
      throw change.strangeBlock();
    }
    int blocks = change.mainInt(0);
    int version = change.mainUint16(4);
    initialize(page, META);
    page.set(INT, Page.HEADER, MAGIC);
    page.set(INT, 28, version);
    page.set(INT, 32, blocks);
    Page.setLower(page, META_END);
  }

  /// @param at where INSERT's main data begins
  private static void insert(Change change, int at, MemorySegment page) {
    int number = change.mainUint16(at + 8);
    switch (change.blockId()) {
      case 0 -> {
        if ((change.info() & INIT) != 0) {
          initialize(page, ITEMS);
        } else {
          require(change, page, ITEMS);
        }
        int length = requireTuple(change);
        int to = PageItems.allocate(change, page, number, length);
        MemorySegment.copy(change.bytes(), change.dataOffset(), page, to, length);
      }
      case 1 -> {
        if (number == 0) {
          throw change.corrupted("it names item 0");
        }
        point(change, page, change.mainInt(at), change.mainInt(at + 4), number);
      }
      default -> throw change.strangeBlock();
    }
  }

  private static void update(Change change, MemorySegment page) {
    if (change.blockId() == 2) {
      remove(change, change.mainUint16(0), page);
    } else {
      insert(change, 4, page);
    }
  }

  private static void overwrite(Change change, MemorySegment page) {
    if (change.blockId() != 0) {
      throw change.strangeBlock();
    }
    require(change, page, ITEMS);
    int length = requireTuple(change);
    IndexItems.overwrite(
        change, page, change.mainUint16(0), change.bytes(), change.dataOffset(), length);
  }

  private static void extend(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> {
        require(change, page, META);
        page.set(INT, LAST_MAP_PAGE, change.mainInt(0));
        // Before PostgreSQL 11 the metapage had no such bound.
        Page.setLower(page, META_END);
      }
      case 1 -> initialize(page, MAP);
      default -> throw change.strangeBlock();
    }
  }

  private static void desummarize(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> point(change, page, change.mainInt(4), change.mainInt(0), 0);
      case 1 -> remove(change, change.mainUint16(8), page);
      default -> throw change.strangeBlock();
    }
  }

  private static void remove(Change change, int number, MemorySegment page) {
    require(change, page, ITEMS);
    IndexItems.vacate(change, page, number);
  }

  /// Makes the range map's page point to an item of block 0, or nowhere when the number is 0.
  private static void point(
      Change change, MemorySegment page, int heapBlock, int blocksPerRange, int number) {
    require(change, page, MAP);
    if (blocksPerRange == 0) {
      throw change.corrupted("its ranges have no blocks");
    }
    int block = number == 0 ? -1 : change.blockNumber(0);
    int range = Integer.divideUnsigned(heapBlock, blocksPerRange);
    long at = Page.HEADER + (long) Integer.remainderUnsigned(range, RANGES_PER_PAGE) * TID;
    page.set(INT, at, Integer.rotateLeft(block, 16));
    page.set(SHORT, at + 4, (short) number);
  }

  /// The length of the block's data, a tuple: first heap block u32, flags u8, and more.
  private static int requireTuple(Change change) {
    change.requireData(5);
    return change.dataLength();
  }

  private static void initialize(MemorySegment page, int kind) {
    Page.initialize(page, SPECIAL);
    page.set(SHORT, KIND, (short) kind);
  }

  private static void require(Change change, MemorySegment page, int kind) {
    PageItems.count(change, page);
    int found = page.get(SHORT, KIND) & 0xFFFF;
    if (Page.special(page) != START) {
      throw change.corrupted(
          "the page is none of BRIN, its special space begins at " + Page.special(page));
    }
    if (found != kind) {
      throw change.corrupted("the page is of BRIN's kind %04x, not %04x".formatted(found, kind));
    }
  }
}
