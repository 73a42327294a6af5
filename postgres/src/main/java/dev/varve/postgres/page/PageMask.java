package dev.varve.postgres.page;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.ResourceManager;
import java.lang.foreign.MemorySegment;

/// Blanks what two copies of a page may legitimately differ in, as PostgreSQL does before it
/// compares a page with a consistency image: what is written without a record (hint bits, command
/// ids, the LSN of the image, unused space).
///
/// | page               | what becomes 0 besides LSN and checksum                                       |
/// |--------------------|-------------------------------------------------------------------------------|
/// | heap               | page hints, hole; of tuples: hint bits of the infomask, command id, a speculative token, the padding behind |
/// | btree              | page hints, hole; on leaves the line pointers' flags; page flags 40, 20; the vacuum cycle |
/// | hash               | page hints, hole; all of an unused page; on bucket and overflow pages the line pointers' flags; page flag 80 |
/// | gin                | page hints; all of a deleted page, else the hole                              |
/// | gist               | page hints, hole; NSN; on leaves the line pointers' flags; page flags 8, 10, 4 |
/// | spgist             | page hints, hole; of the metapage the pages used last                         |
/// | brin               | page hints; the hole of regular pages and of the metapage; page flag 1        |
/// | sequence, generic  | hole                                                                          |
///
/// PostgreSQL: `bufmask.c` and each manager's mask. In addition to it gist's flag 4 (tuples were
/// deleted) is blanked: servers' own redo differs in it from what they do. And of spgist's metapage
/// what servers change without a record.
public final class PageMask {

  private static final int HINT_FLAGS = 7;
  private static final long CHECKSUM = 8;

  /// Lower and upper bound, special space, size and version.
  private static final long BOUNDS = 12;

  private static final long PRUNE_XID = 20;
  private static final int SEQUENCE = 0x1717;

  /// Last value i64, steps left in the log i64, whether it was called u8; behind the tuple's
  /// header.
  private static final long SEQUENCE_VALUE = 24;

  private static final long SEQUENCE_VALUE_BYTES = 17;

  private static final int SPGIST_META = 1;

  /// Behind the magic number: for eight kinds of pages a block number and its free space.
  private static final long SPGIST_LAST_USED = Page.HEADER + 4;

  private static final long SPGIST_LAST_USED_BYTES = 64;

  private PageMask() {}

  /// Masks a page in place as the mask of a record's resource manager does.
  ///
  /// @param rmgr number of the manager
  /// @param block number of the page in its fork
  public static void byManager(int rmgr, MemorySegment page, int block) {
    if (Page.isNew(page)) {
      lsnAndChecksum(page);
      return;
    }
    switch (ResourceManager.of(rmgr)) {
      case HEAP, HEAP2 -> heap(page, block);
      case BTREE -> btree(page);
      case HASH -> hash(page);
      case GIN -> gin(page);
      case GIST -> gist(page);
      case SPGIST -> spgist(page);
      case BRIN -> brin(page);
      default -> {
        lsnAndChecksum(page);
        hole(page);
      }
    }
  }

  /// Masks a page of a main fork in place, by what its special space says it is. Pages of the
  /// visibility map: {@link #lsnAndChecksum}.
  ///
  /// Of a sequence its value is masked, too: the log has it up to 32 steps ahead of the page, so
  /// that not every step needs a record.
  public static void byLooks(MemorySegment page, int block) {
    if (Page.isNew(page)) {
      lsnAndChecksum(page);
      return;
    }
    int special = Page.SIZE - Page.special(page);
    int last = Short.toUnsignedInt(page.get(PgLayout.SHORT, Page.SIZE - 2L));
    if (special == 0) {
      heap(page, block);
    } else if (special == 16) {
      switch (last) {
        case 0xFF80 -> hash(page);
        case 0xFF81 -> gist(page);
        default -> btree(page);
      }
    } else {
      switch (last) {
        case 0xFF82 -> spgist(page);
        case 0xF091, 0xF092, 0xF093 -> brin(page);
        default -> {
          if (isSequence(page, last)) {
            sequence(page);
          } else if (last == 0xFF83) {
            lsnAndChecksum(page);
            hole(page);
          } else {
            gin(page);
          }
        }
      }
    }
  }

  /// A GIN page whose right neighbour has that number is none.
  private static boolean isSequence(MemorySegment page, int last) {
    return page.get(PgLayout.INT, Page.special(page)) == SEQUENCE
        && last == 0
        && Page.pointers(page) == 1;
  }

  public static void lsnAndChecksum(MemorySegment page) {
    page.asSlice(0, CHECKSUM + 2).fill((byte) 0);
  }

  private static void hints(MemorySegment page) {
    Page.setFlags(page, Page.flags(page) & ~HINT_FLAGS);
    Page.setPruneXid(page, 0);
  }

  private static void hole(MemorySegment page) {
    int lower = Page.lower(page);
    int upper = Page.upper(page);
    if (lower > upper || Page.special(page) < upper || lower < Page.HEADER) {
      throw new IllegalArgumentException(
          "a page with lower " + lower + ", upper " + upper + ", special " + Page.special(page));
    }
    page.asSlice(lower, upper - lower).fill((byte) 0);
  }

  private static void pointerFlags(MemorySegment page) {
    int count = Page.pointers(page);
    for (int i = 1; i <= count; i++) {
      int pointer = Page.pointer(page, i);
      Page.setPointer(page, i, Page.pointerOf(Page.offset(pointer), 0, Page.length(pointer)));
    }
  }

  private static void content(MemorySegment page) {
    page.asSlice(Page.HEADER).fill((byte) 0);
    Page.setLower(page, 0);
    Page.setUpper(page, 0);
  }

  private static void standard(MemorySegment page) {
    lsnAndChecksum(page);
    hints(page);
    hole(page);
  }

  private static void heap(MemorySegment page, int block) {
    standard(page);
    int count = Page.pointers(page);
    for (int i = 1; i <= count; i++) {
      int pointer = Page.pointer(page, i);
      if (Page.pointerFlags(pointer) == Page.NORMAL) {
        heapTuple(page, Page.offset(pointer), block, i);
      }
      int length = Page.length(pointer);
      if (length > 0) {
        for (int at = Page.offset(pointer) + length; (at & 7) != 0; at++) {
          page.set(PgLayout.BYTE, at, (byte) 0);
        }
      }
    }
  }

  /// Whether two heap pages are equal but for what their masks blank: a short way that may say no
  /// when {@link #byManager} says yes, and never the other way around. One look at each tuple, and
  /// nothing is written but what the mask blanks in `copy`.
  ///
  /// @param page stays as it is
  /// @param copy is worthless after a no
  public static boolean areEqualHeaps(MemorySegment page, MemorySegment copy) {
    int lower = Page.lower(page);
    int upper = Page.upper(page);
    int special = Page.special(page);
    if (lower < Page.HEADER || lower > upper || upper > special || special != Page.SIZE) {
      return false;
    }
    boolean sameFlags = ((Page.flags(page) ^ Page.flags(copy)) & ~HINT_FLAGS) == 0;
    if (!sameFlags
        || MemorySegment.mismatch(page, BOUNDS, PRUNE_XID, copy, BOUNDS, PRUNE_XID) >= 0
        || MemorySegment.mismatch(page, Page.HEADER, lower, copy, Page.HEADER, lower) >= 0) {
      return false;
    }
    long same = MemorySegment.mismatch(page, upper, Page.SIZE, copy, upper, Page.SIZE);
    if (same < 0) {
      return true;
    }
    int count = Page.pointers(page);
    for (int i = 1; i <= count; i++) {
      int pointer = Page.pointer(page, i);
      long tuple = Page.offset(pointer);
      boolean maybe = tuple + 22 > upper + same && tuple <= Page.SIZE - 24;
      if (maybe && Page.pointerFlags(pointer) == Page.NORMAL) {
        copy.set(PgLayout.INT, tuple + 8, page.get(PgLayout.INT, tuple + 8));
        short ours = page.get(PgLayout.SHORT, tuple + 20);
        short theirs = copy.get(PgLayout.SHORT, tuple + 20);
        if (ours != theirs && withoutHints(ours) == withoutHints(theirs)) {
          copy.set(PgLayout.SHORT, tuple + 20, ours);
        }
      }
    }
    return MemorySegment.mismatch(page, upper, Page.SIZE, copy, upper, Page.SIZE) < 0;
  }

  private static short withoutHints(int infomask) {
    boolean frozen = (infomask & 0x0300) == 0x0300;
    return (short) (infomask & (frozen ? ~0x0C00 : ~0xFFF0));
  }

  private static void heapTuple(MemorySegment page, long tuple, int block, int number) {
    page.set(PgLayout.SHORT, tuple + 20, withoutHints(page.get(PgLayout.SHORT, tuple + 20)));
    page.set(PgLayout.INT, tuple + 8, 0);
    if (Short.toUnsignedInt(page.get(PgLayout.SHORT, tuple + 16)) == 0xFFFE) {
      page.set(PgLayout.SHORT, tuple + 12, (short) (block >>> 16));
      page.set(PgLayout.SHORT, tuple + 14, (short) block);
      page.set(PgLayout.SHORT, tuple + 16, (short) number);
    }
  }

  private static void sequence(MemorySegment page) {
    lsnAndChecksum(page);
    hole(page);
    int tuple = Page.offset(Page.pointer(page, 1));
    page.asSlice(tuple + SEQUENCE_VALUE, SEQUENCE_VALUE_BYTES).fill((byte) 0);
  }

  private static void btree(MemorySegment page) {
    standard(page);
    long special = Page.special(page);
    int flags = page.get(PgLayout.SHORT, special + 12);
    if ((flags & 1) != 0) {
      pointerFlags(page);
    }
    page.set(PgLayout.SHORT, special + 12, (short) (flags & ~0x60));
    page.set(PgLayout.SHORT, special + 14, (short) 0);
  }

  private static void hash(MemorySegment page) {
    standard(page);
    long special = Page.special(page);
    int flags = page.get(PgLayout.SHORT, special + 12);
    if ((flags & 0xF) == 0) {
      content(page);
      return;
    }
    if ((flags & 3) != 0) {
      pointerFlags(page);
    }
    page.set(PgLayout.SHORT, special + 12, (short) (flags & ~0x80));
  }

  private static void gin(MemorySegment page) {
    lsnAndChecksum(page);
    hints(page);
    int flags = page.get(PgLayout.SHORT, Page.special(page) + 6L);
    if ((flags & 4) != 0) {
      content(page);
    } else if (Page.lower(page) > Page.HEADER) {
      hole(page);
    }
  }

  private static void gist(MemorySegment page) {
    standard(page);
    long special = Page.special(page);
    page.set(PgLayout.LONG, special, 0);
    int flags = page.get(PgLayout.SHORT, special + 12);
    if ((flags & 1) != 0) {
      pointerFlags(page);
    }
    page.set(PgLayout.SHORT, special + 12, (short) (flags & ~0x1C));
  }

  private static void spgist(MemorySegment page) {
    lsnAndChecksum(page);
    hints(page);
    if (Page.lower(page) >= Page.HEADER) {
      hole(page);
    }
    if ((page.get(PgLayout.SHORT, Page.special(page)) & SPGIST_META) != 0) {
      page.asSlice(SPGIST_LAST_USED, SPGIST_LAST_USED_BYTES).fill((byte) 0);
    }
  }

  private static void brin(MemorySegment page) {
    lsnAndChecksum(page);
    hints(page);
    int type = Short.toUnsignedInt(page.get(PgLayout.SHORT, Page.SIZE - 2L));
    if (type == 0xF093 || (type == 0xF091 && Page.lower(page) > Page.HEADER)) {
      hole(page);
    }
    long flags = Page.SIZE - 4L;
    page.set(PgLayout.SHORT, flags, (short) (page.get(PgLayout.SHORT, flags) & ~1));
  }
}
