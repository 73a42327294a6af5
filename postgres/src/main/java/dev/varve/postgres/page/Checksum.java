package dev.varve.postgres.page;

import static dev.varve.postgres.PgLayout.INT;

import java.lang.foreign.MemorySegment;

/// The checksum that a page carries in a cluster that has data checksums on.
///
/// The page is seen as 64 rows of 32 little-endian words, its stored checksum (bytes 8-9) as zero.
/// Each of the 32 columns is hashed for itself, from a starting value of its own: with each word
/// `w`, `t = hash ^ w`, `hash = t * 16777619 ^ t >>> 17`, and twice more with `w = 0`. The 32
/// hashes and the block number are combined by exclusive or, and brought into 1 to 65535: never 0.
/// PostgreSQL's `storage/checksum_impl.h`.
///
/// The block number is that in the whole fork, counted on over the segment files. A new page (all
/// zero) has no checksum.
///
/// Hot: about a microsecond a page, wherever its bytes are. The page is copied into an array first,
/// since only over arrays does the JIT make the loop over the columns one of vector instructions
/// for every sort of segment; who checks many pages passes that array in, and nothing is allocated.
public final class Checksum {

  private static final int PRIME = 16_777_619;
  private static final int COLUMNS = 32;
  private static final int WORDS = Page.SIZE / Integer.BYTES;

  /// The checksum is the low half of the word at byte 8, in row 0.
  private static final int CHECKSUM_COLUMN = 2;

  private static final int[] START = {
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
  };

  private Checksum() {}

  /// Room for a computation, to use again and again, by one thread.
  public static int[] newScratch() {
    return new int[WORDS + COLUMNS];
  }

  /// The checksum that a page of {@link Page#SIZE} bytes should have as block `block` of its fork.
  /// What is stored on the page has no influence.
  public static int of(MemorySegment page, int block) {
    return of(page, block, newScratch());
  }

  /// As {@link #of(MemorySegment, int)}, without allocating.
  ///
  /// @param scratch from {@link #newScratch()}; overwritten
  public static int of(MemorySegment page, int block, int[] scratch) {
    MemorySegment.copy(page, INT, 0, scratch, 0, WORDS);
    scratch[CHECKSUM_COLUMN] &= 0xFFFF_0000;
    System.arraycopy(START, 0, scratch, WORDS, COLUMNS);
    for (int row = 0; row < WORDS; row += COLUMNS) {
      for (int column = 0; column < COLUMNS; column++) {
        scratch[WORDS + column] = mix(scratch[WORDS + column], scratch[row + column]);
      }
    }
    int folded = block;
    for (int column = 0; column < COLUMNS; column++) {
      folded ^= mix(mix(scratch[WORDS + column], 0), 0);
    }
    return Integer.remainderUnsigned(folded, 65535) + 1;
  }

  /// Whether the page has the checksum it should have; a page of zeroes does.
  public static boolean isRight(MemorySegment page, int block) {
    return isRight(page, block, newScratch());
  }

  /// As {@link #isRight(MemorySegment, int)}, without allocating.
  public static boolean isRight(MemorySegment page, int block, int[] scratch) {
    return Page.isNew(page) ? Page.isZero(page) : Page.checksum(page) == of(page, block, scratch);
  }

  /// Computes the checksum and stores it; leaves a page of zeroes as it is.
  public static void put(MemorySegment page, int block) {
    put(page, block, newScratch());
  }

  /// As {@link #put(MemorySegment, int)}, without allocating.
  public static void put(MemorySegment page, int block, int[] scratch) {
    if (!Page.isNew(page)) {
      Page.setChecksum(page, of(page, block, scratch));
    }
  }

  private static int mix(int hash, int word) {
    int mixed = hash ^ word;
    return mixed * PRIME ^ mixed >>> 17;
  }
}
