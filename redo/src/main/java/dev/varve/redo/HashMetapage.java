package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The metapage of a hash index, block 0.
///
/// | bytes     | field                                                                          |
/// |-----------|--------------------------------------------------------------------------------|
/// | 24-27     | magic, 06440640                                                                |
/// | 28-31     | version, 4                                                                     |
/// | 32-39     | how many items there are, f64                                                  |
/// | 40-41     | how many items a bucket is to have                                             |
/// | 42-43     | bytes between page header and special space, 8152                              |
/// | 44-45     | bytes of a page's bitmap, 4096                                                 |
/// | 46-47     | logarithm of its bits, 15                                                      |
/// | 48-51     | highest bucket                                                                 |
/// | 52-59     | masks of hash values: the higher, the lower                                    |
/// | 60-63     | the split point now reached                                                    |
/// | 64-67     | the first overflow page that may be free, as a bit's number                    |
/// | 68-71     | how many bitmap pages there are                                                |
/// | 72-75     | OID of the hash function                                                       |
/// | 76-467    | overflow pages up to each of 98 split points                                   |
/// | 468-4563  | block numbers of up to 1024 bitmap pages                                       |
///
/// Buckets are allotted group by group: the first ten split points double their number each, every
/// later group of four doubles it in four steps. PostgreSQL's `access/hash.h`; the arithmetic is
/// that of its `hashutil.c`.
final class HashMetapage {

  private static final long TUPLES = 32;
  private static final long MAX_BUCKET = 48;
  private static final long HIGH_MASK = 52;
  private static final long LOW_MASK = 56;
  private static final long SPLIT_POINT = 60;
  private static final long FIRST_FREE = 64;
  private static final long MAPS = 68;
  private static final long SPARES = 76;
  private static final long MAP_BLOCKS = 468;

  /// The structure ends with padding.
  private static final int END = 4568;

  private static final int MAGIC = 0x06440640;
  private static final int VERSION = 4;
  private static final int MAX_SPLIT_POINTS = 98;
  private static final int MAX_MAPS = 1024;
  private static final int MAX_BUCKETS = 0x4000_0000;

  /// So many split points double the number of buckets at once.
  private static final int WHOLE = 10;

  private HashMetapage() {}

  private static void require(Change change, MemorySegment page) {
    HashPage.require(change, page, HashPage.META);
    if (page.get(INT, Page.HEADER) != MAGIC) {
      throw change.corrupted("the metapage begins with %08x".formatted(page.get(INT, Page.HEADER)));
    }
  }

  /// Makes a metapage of it; the main data are {@link HashRedo}'s.
  static void initialize(Change change, MemorySegment page) {
    change.requireMain(14);
    long tuples = change.bytes().get(LONG, change.mainOffset());
    int perBucket = change.mainUint16(12);
    int buckets = buckets(change, Double.longBitsToDouble(tuples), perBucket);
    int splitPoint = splitPoint(buckets);
    int highMask = 2 * Integer.highestOneBit(buckets) - 1;
    HashPage.initialize(page, HashPage.NONE, HashPage.NONE, HashPage.META);
    page.set(INT, Page.HEADER, MAGIC);
    page.set(INT, 28, VERSION);
    page.set(SHORT, 40, (short) perBucket);
    page.set(SHORT, 42, (short) (Page.special(page) - Page.HEADER));
    page.set(SHORT, 44, (short) HashPage.BITMAP_BYTES);
    page.set(SHORT, 46, (short) 15);
    page.set(INT, MAX_BUCKET, buckets - 1);
    page.set(INT, HIGH_MASK, highMask);
    page.set(INT, LOW_MASK, highMask >>> 1);
    page.set(INT, SPLIT_POINT, splitPoint);
    page.set(INT, 72, change.mainInt(8));
    page.set(INT, spare(splitPoint), 1);
    Page.setLower(page, END);
  }

  /// With how many buckets an index begins that is to hold so many items: those of whole split
  /// points.
  private static int buckets(Change change, double tuples, int perBucket) {
    double buckets = tuples / perBucket;
    if (perBucket == 0 || Double.isNaN(buckets)) {
      throw change.corrupted("%s items, %d in each bucket".formatted(tuples, perBucket));
    }
    if (buckets <= 2) {
      return 2;
    }
    return buckets >= MAX_BUCKETS ? MAX_BUCKETS : bucketsUpTo(splitPoint((int) buckets));
  }

  /// The split point with which there are so many buckets, at least 2.
  private static int splitPoint(int buckets) {
    int group = Integer.SIZE - Integer.numberOfLeadingZeros(buckets - 1);
    return group < WHOLE
        ? group
        : WHOLE + (group - WHOLE) * 4 + (((buckets - 1) >> (group - 3)) & 3);
  }

  private static int bucketsUpTo(int splitPoint) {
    if (splitPoint < WHOLE) {
      return 1 << splitPoint;
    }
    int before = 1 << (WHOLE - 1 + (splitPoint - WHOLE) / 4);
    return before + before / 4 * ((splitPoint - WHOLE) % 4 + 1);
  }

  private static long spare(int splitPoint) {
    return SPARES + splitPoint * 4L;
  }

  /// Adds to the number of items.
  static void addTuples(Change change, MemorySegment page, double difference) {
    require(change, page);
    double tuples = Double.longBitsToDouble(page.get(LONG, TUPLES));
    page.set(LONG, TUPLES, Double.doubleToRawLongBits(tuples + difference));
  }

  /// @param tuples the number's bits
  static void setTuples(Change change, MemorySegment page, long tuples) {
    require(change, page);
    page.set(LONG, TUPLES, tuples);
  }

  static void setFirstFree(Change change, MemorySegment page, int bit) {
    require(change, page);
    page.set(INT, FIRST_FREE, bit);
  }

  /// The first bitmap page follows the first buckets.
  static void addFirstMap(Change change, MemorySegment page) {
    require(change, page);
    addMap(change, page, page.get(INT, MAX_BUCKET) + 2);
  }

  private static void addMap(Change change, MemorySegment page, int block) {
    int maps = page.get(INT, MAPS);
    if (maps < 0 || maps >= MAX_MAPS) {
      throw change.corrupted(
          "the metapage has %s bitmap pages".formatted(Integer.toUnsignedString(maps)));
    }
    page.set(INT, MAP_BLOCKS + maps * 4L, block);
    page.set(INT, MAPS, maps + 1);
  }

  /// Counts an overflow page that was made at the end of the index.
  static void countOverflow(Change change, MemorySegment page) {
    require(change, page);
    long spare = spare(requireSplitPoint(change, page.get(INT, SPLIT_POINT)));
    page.set(INT, spare, page.get(INT, spare) + 1);
  }

  /// Lists a bitmap page that was made at the end of the index, and counts it as an overflow page.
  static void countMap(Change change, MemorySegment page, int block) {
    countOverflow(change, page);
    addMap(change, page, block);
  }

  static void setMaxBucket(Change change, MemorySegment page, int bucket) {
    require(change, page);
    page.set(INT, MAX_BUCKET, bucket);
  }

  static void setMasks(MemorySegment page, int low, int high) {
    page.set(INT, LOW_MASK, low);
    page.set(INT, HIGH_MASK, high);
  }

  static void setSplitPoint(Change change, MemorySegment page, int splitPoint, int pages) {
    page.set(INT, spare(requireSplitPoint(change, splitPoint)), pages);
    page.set(INT, SPLIT_POINT, splitPoint);
  }

  private static int requireSplitPoint(Change change, int splitPoint) {
    if (splitPoint < 0 || splitPoint >= MAX_SPLIT_POINTS) {
      throw change.corrupted("there is no split point " + Integer.toUnsignedString(splitPoint));
    }
    return splitPoint;
  }
}
