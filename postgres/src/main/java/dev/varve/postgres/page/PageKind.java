package dev.varve.postgres.page;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.SHORT;

import java.lang.foreign.MemorySegment;

/// What a page holds, told by its fork and its looks: by the size of the special space, and by the
/// number that most access methods put at the page's very end.
///
/// | special space | last two bytes       | kind                                              |
/// |---------------|----------------------|---------------------------------------------------|
/// | none          |                      | heap; by its fork, free space or visibility map   |
/// | 8 bytes       |                      | sequence, if it begins with `1717` as a `u32`     |
/// | 8 bytes       | `F091` `F092` `F093` | BRIN: metapage, range map, regular                |
/// | 8 bytes       | `FF82`               | SP-GiST                                           |
/// | 8 bytes       | `FF83`               | Bloom (an extension)                              |
/// | 8 bytes       | below `0200`         | GIN: these are its flags                          |
/// | 16 bytes      | `FF80`               | hash                                              |
/// | 16 bytes      | `FF81`               | GiST                                              |
/// | 16 bytes      | up to `FF7F`         | B-tree: this is a vacuum's cycle number           |
///
/// PostgreSQL's `access/nbtree.h`, `hash.h`, `gist.h`, `ginblock.h`, `spgist_private.h`,
/// `brin_page.h` and `commands/sequence.c`.
public enum PageKind {
  NEW,
  HEAP,
  FREE_SPACE_MAP,
  VISIBILITY_MAP,
  SEQUENCE,
  BTREE,
  HASH,
  GIST,
  GIN,
  SPGIST,
  BRIN,
  BLOOM,
  UNKNOWN;

  private static final int FREE_SPACE_FORK = 1;
  private static final int VISIBILITY_FORK = 2;
  private static final int SEQUENCE_MAGIC = 0x1717;
  private static final int LARGEST_CYCLE = 0xFF7F;
  private static final int GIN_FLAGS = 0x1FF;

  /// @param page that {@link Page#damage} finds nothing wrong with
  /// @param fork 0 main, 1 free space map, 2 visibility map, 3 init
  public static PageKind of(MemorySegment page, int fork) {
    if (Page.isNew(page)) {
      return NEW;
    }
    int special = Page.special(page);
    return switch (Page.SIZE - special) {
      case 0 ->
          switch (fork) {
            case FREE_SPACE_FORK -> FREE_SPACE_MAP;
            case VISIBILITY_FORK -> VISIBILITY_MAP;
            default -> HEAP;
          };
      case 8 -> page.get(INT, special) == SEQUENCE_MAGIC ? SEQUENCE : ofEight(mark(page));
      case 16 -> ofSixteen(mark(page));
      default -> UNKNOWN;
    };
  }

  private static int mark(MemorySegment page) {
    return page.get(SHORT, Page.SIZE - 2) & 0xFFFF;
  }

  private static PageKind ofEight(int mark) {
    return switch (mark) {
      case 0xF091, 0xF092, 0xF093 -> BRIN;
      case 0xFF82 -> SPGIST;
      case 0xFF83 -> BLOOM;
      default -> mark <= GIN_FLAGS ? GIN : UNKNOWN;
    };
  }

  private static PageKind ofSixteen(int mark) {
    return switch (mark) {
      case 0xFF80 -> HASH;
      case 0xFF81 -> GIST;
      default -> mark <= LARGEST_CYCLE ? BTREE : UNKNOWN;
    };
  }
}
