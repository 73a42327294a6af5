package dev.varve.postgres.page;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The header and the line pointers of a page of 8192 bytes.
///
/// | bytes   | field                                                                        |
/// |---------|------------------------------------------------------------------------------|
/// | 0-7     | LSN of the last change: high half, then low half, each a little-endian `u32` |
/// | 8-9     | checksum, see {@link Checksum}                                               |
/// | 10-11   | flags: 1 has free lines, 2 page full, 4 all visible                          |
/// | 12-13   | lower: where the line pointers end                                           |
/// | 14-15   | upper: where the tuples begin                                                |
/// | 16-17   | special: where the space of the access method begins                         |
/// | 18-19   | page size (a multiple of 256) and layout version (4), added                  |
/// | 20-23   | oldest transaction id that may have left something to prune                  |
/// | 24-     | line pointers, a `u32` each: offset 15 bits, flags 2 bits, length 15 bits    |
///
/// Line pointers are numbered from 1. PostgreSQL's `storage/bufpage.h` and `storage/itemid.h`.
///
/// These are hot: nothing is allocated, and nothing is checked but the segment's bounds. Ask {@link
/// #check} and {@link #pointerDamage} before trusting what a page of unknown origin says about
/// itself.
public final class Page {

  public static final int SIZE = 8192;
  public static final int HEADER = 24;

  /// What bytes 18-19 hold on every page of this size.
  public static final int SIZE_AND_VERSION = SIZE | 4;

  public static final int HAS_FREE_LINES = 1;
  public static final int FULL = 2;
  public static final int ALL_VISIBLE = 4;
  private static final int KNOWN_FLAGS = HAS_FREE_LINES | FULL | ALL_VISIBLE;

  /// The line pointer is free.
  public static final int UNUSED = 0;

  /// The line pointer names a tuple.
  public static final int NORMAL = 1;

  /// The line pointer's offset is the number of another one.
  public static final int REDIRECT = 2;

  /// The tuple is dead; it may still have its bytes (in an index).
  public static final int DEAD = 3;

  private static final long CHECKSUM = 8;
  private static final long FLAGS = 10;
  private static final long LOWER = 12;
  private static final long UPPER = 14;
  private static final long SPECIAL = 16;
  private static final long VERSION = 18;
  private static final long PRUNE_XID = 20;
  private static final int POINTER = 4;

  private Page() {}

  public static long lsn(MemorySegment page) {
    return Long.rotateLeft(page.get(LONG, 0), 32);
  }

  public static void setLsn(MemorySegment page, long lsn) {
    page.set(LONG, 0, Long.rotateLeft(lsn, 32));
  }

  /// The checksum that is stored, which may be stale or unset; {@link Checksum#of} computes.
  public static int checksum(MemorySegment page) {
    return page.get(SHORT, CHECKSUM) & 0xFFFF;
  }

  public static void setChecksum(MemorySegment page, int checksum) {
    page.set(SHORT, CHECKSUM, (short) checksum);
  }

  public static int flags(MemorySegment page) {
    return page.get(SHORT, FLAGS) & 0xFFFF;
  }

  public static void setFlags(MemorySegment page, int flags) {
    page.set(SHORT, FLAGS, (short) flags);
  }

  public static int lower(MemorySegment page) {
    return page.get(SHORT, LOWER) & 0xFFFF;
  }

  public static void setLower(MemorySegment page, int lower) {
    page.set(SHORT, LOWER, (short) lower);
  }

  public static int upper(MemorySegment page) {
    return page.get(SHORT, UPPER) & 0xFFFF;
  }

  public static void setUpper(MemorySegment page, int upper) {
    page.set(SHORT, UPPER, (short) upper);
  }

  public static int special(MemorySegment page) {
    return page.get(SHORT, SPECIAL) & 0xFFFF;
  }

  public static void setSpecial(MemorySegment page, int special) {
    page.set(SHORT, SPECIAL, (short) special);
  }

  public static int sizeAndVersion(MemorySegment page) {
    return page.get(SHORT, VERSION) & 0xFFFF;
  }

  public static void setSizeAndVersion(MemorySegment page, int sizeAndVersion) {
    page.set(SHORT, VERSION, (short) sizeAndVersion);
  }

  public static int pruneXid(MemorySegment page) {
    return page.get(INT, PRUNE_XID);
  }

  public static void setPruneXid(MemorySegment page, int xid) {
    page.set(INT, PRUNE_XID, xid);
  }

  /// Whether nothing has been written to the page yet: its upper bound is 0. All of it should be
  /// zero then; {@link #check} sees to that.
  public static boolean isNew(MemorySegment page) {
    return upper(page) == 0;
  }

  /// Makes an empty page with `specialSize` bytes of special space (rounded up to a multiple of 8)
  /// and all else zero.
  public static void initialize(MemorySegment page, int specialSize) {
    int special = SIZE - ((specialSize + 7) & ~7);
    (page.byteSize() == SIZE ? page : page.asSlice(0, SIZE)).fill((byte) 0);
    setLower(page, HEADER);
    setUpper(page, special);
    setSpecial(page, special);
    setSizeAndVersion(page, SIZE_AND_VERSION);
  }

  /// How many line pointers the page has; 0 for a new page.
  public static int pointers(MemorySegment page) {
    return Math.max(0, lower(page) - HEADER) / POINTER;
  }

  /// Line pointer `number` (from 1) as it is stored.
  public static int pointer(MemorySegment page, int number) {
    return page.get(INT, pointerOffset(number));
  }

  public static void setPointer(MemorySegment page, int number, int pointer) {
    page.set(INT, pointerOffset(number), pointer);
  }

  private static long pointerOffset(int number) {
    return HEADER + (number - 1L) * POINTER;
  }

  /// A line pointer made of its parts.
  public static int pointerOf(int offset, int flags, int length) {
    return (offset & 0x7FFF) | flags << 15 | length << 17;
  }

  /// Where the tuple of this line pointer begins, or the target's number for {@link #REDIRECT}.
  public static int offset(int pointer) {
    return pointer & 0x7FFF;
  }

  /// One of {@link #UNUSED}, {@link #NORMAL}, {@link #REDIRECT}, {@link #DEAD}.
  public static int pointerFlags(int pointer) {
    return pointer >>> 15 & 3;
  }

  public static int length(int pointer) {
    return pointer >>> 17;
  }

  /// Whether there are bytes of a tuple behind this line pointer.
  public static boolean hasStorage(int pointer) {
    return length(pointer) != 0;
  }

  /// Looks the header over, as PostgreSQL does when it reads a page.
  ///
  /// @throws PageserverException.DataCorrupted beginning with `name`, when the header can't be
  ///   right
  public static void check(MemorySegment page, String name) {
    String finding = damage(page);
    if (finding != null) {
      throw new PageserverException.DataCorrupted(name + " is damaged: " + finding);
    }
  }

  /// What is wrong with the header, or null. A page of zeroes is in order. Neither the checksum nor
  /// the line pointers are looked at. Allocates only when there is something to say.
  public static @Nullable String damage(MemorySegment page) {
    if (page.byteSize() != SIZE) {
      return page.byteSize() + " bytes instead of " + SIZE;
    }
    if (isNew(page)) {
      return isZero(page) ? null : "its upper bound is 0 but it is not empty";
    }
    return isDamagedHeader(page) ? headerOf(page) : null;
  }

  private static boolean isDamagedHeader(MemorySegment page) {
    int special = special(page);
    return lower(page) < HEADER
        || lower(page) > upper(page)
        || upper(page) > special
        || special > SIZE
        || (special & 7) != 0
        || (flags(page) & ~KNOWN_FLAGS) != 0
        || sizeAndVersion(page) != SIZE_AND_VERSION;
  }

  private static String headerOf(MemorySegment page) {
    return "its header says lower %d, upper %d, special %d, flags %x, size and version %x"
        .formatted(lower(page), upper(page), special(page), flags(page), sizeAndVersion(page));
  }

  /// What is wrong with a line pointer, or null, on a page that {@link #check} passed and that has
  /// line pointers: heap pages and most index pages do, map pages, metapages and GIN's data pages
  /// do not.
  public static @Nullable String pointerDamage(MemorySegment page) {
    if ((lower(page) - HEADER) % POINTER > 0) {
      return "its line pointers end within one, at " + lower(page);
    }
    int count = pointers(page);
    for (int number = 1; number <= count; number++) {
      int pointer = pointer(page, number);
      if (isDamagedPointer(page, pointer, count)) {
        return "line pointer %d has flags %d, offset %d, length %d"
            .formatted(number, pointerFlags(pointer), offset(pointer), length(pointer));
      }
    }
    return null;
  }

  private static boolean isDamagedPointer(MemorySegment page, int pointer, int count) {
    int offset = offset(pointer);
    int end = offset + length(pointer);
    return switch (pointerFlags(pointer)) {
      case UNUSED -> length(pointer) != 0;
      case REDIRECT -> length(pointer) != 0 || offset < 1 || offset > count;
      case NORMAL -> !hasStorage(pointer) || offset < upper(page) || end > special(page);
      default -> hasStorage(pointer) && (offset < upper(page) || end > special(page));
    };
  }

  /// Whether every byte of the page is zero.
  public static boolean isZero(MemorySegment page) {
    for (int offset = 0; offset < SIZE; offset += Long.BYTES) {
      if (page.get(LONG, offset) != 0) {
        return false;
      }
    }
    return true;
  }
}
