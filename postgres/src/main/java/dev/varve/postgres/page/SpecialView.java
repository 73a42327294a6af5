package dev.varve.postgres.page;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.model.Lsn;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// What the access method has to say about a page: its special space, or for maps a summary. Block
/// numbers are unsigned, and 4294967295 means none; flags are given by name.
public sealed interface SpecialView {

  record None() implements SpecialView {}

  /// How many heap blocks the map's page has as all-visible, and as all-frozen.
  record VisibilityMap(int allVisible, int allFrozen) implements SpecialView {}

  /// The greatest free space that the map's page has, in units of 32 bytes.
  record FreeSpaceMap(int greatest) implements SpecialView {}

  record Sequence(long lastValue, long logCount, boolean called) implements SpecialView {}

  /// 16 bytes: previous and next page, level, flags, cycle of the vacuum that split it.
  record Btree(long previous, long next, long level, List<String> flags, int cycle)
      implements SpecialView {}

  /// 16 bytes: previous and next page, bucket, flags, page id.
  record Hash(long previous, long next, long bucket, List<String> flags) implements SpecialView {}

  /// 16 bytes: LSN of the last split, next page, flags, page id.
  record Gist(Lsn splitLsn, long next, List<String> flags) implements SpecialView {}

  /// 8 bytes: next page, number of items, flags.
  record Gin(long next, int count, List<String> flags) implements SpecialView {}

  /// 8 bytes: flags, numbers of redirections and of placeholders, page id.
  record SpGist(int redirections, int placeholders, List<String> flags) implements SpecialView {}

  /// 8 bytes: 4 of padding, flags, type of the page.
  record Brin(String type, boolean evacuating) implements SpecialView {}

  /// 8 bytes: number of tuples, flags, padding, page id.
  record Bloom(int tuples, List<String> flags) implements SpecialView {}

  /// @param page that {@link Page#damage} finds nothing wrong with, and that is of this kind
  static SpecialView of(MemorySegment page, PageKind kind) {
    int special = Page.special(page);
    return switch (kind) {
      case NEW, HEAP, UNKNOWN -> new None();
      case VISIBILITY_MAP -> visibilityMap(page);
      case FREE_SPACE_MAP -> new FreeSpaceMap(page.get(BYTE, Page.HEADER + 4L) & 0xFF);
      case SEQUENCE -> sequence(page);
      case BTREE ->
          new Btree(
              u32(page, special),
              u32(page, special + 4),
              u32(page, special + 8),
              flags(page, special + 12, FlagNames.BTREE),
              u16(page, special + 14));
      case HASH ->
          new Hash(
              u32(page, special),
              u32(page, special + 4),
              u32(page, special + 8),
              flags(page, special + 12, FlagNames.HASH));
      case GIST ->
          new Gist(
              new Lsn(Long.rotateLeft(page.get(LONG, special), 32)),
              u32(page, special + 8),
              flags(page, special + 12, FlagNames.GIST));
      case GIN ->
          new Gin(
              u32(page, special), u16(page, special + 4), flags(page, special + 6, FlagNames.GIN));
      case SPGIST ->
          new SpGist(
              u16(page, special + 2),
              u16(page, special + 4),
              flags(page, special, FlagNames.SPGIST));
      case BRIN -> brin(page, special);
      case BLOOM -> new Bloom(u16(page, special), flags(page, special + 2, FlagNames.BLOOM));
    };
  }

  private static VisibilityMap visibilityMap(MemorySegment page) {
    int visible = 0;
    int frozen = 0;
    for (int offset = Page.HEADER; offset < Page.SIZE; offset += Long.BYTES) {
      long bits = page.get(LONG, offset);
      visible += Long.bitCount(bits & 0x5555_5555_5555_5555L);
      frozen += Long.bitCount(bits & 0xAAAA_AAAA_AAAA_AAAAL);
    }
    return new VisibilityMap(visible, frozen);
  }

  /// The values of a sequence are in the only tuple of its page.
  private static SpecialView sequence(MemorySegment page) {
    if (Page.pointers(page) < 1 || Page.pointerDamage(page) != null) {
      return new None();
    }
    int pointer = Page.pointer(page, 1);
    if (Page.length(pointer) < ItemView.HEAP_HEADER + 1) {
      return new None();
    }
    int offset = Page.offset(pointer);
    int values = page.get(BYTE, offset + 22L) & 0xFF;
    if (values + 17 > Page.length(pointer)) {
      return new None();
    }
    long at = (long) offset + values;
    return new Sequence(page.get(LONG, at), page.get(LONG, at + 8), page.get(BYTE, at + 16) != 0);
  }

  private static Brin brin(MemorySegment page, int special) {
    String type =
        switch (u16(page, special + 6)) {
          case 0xF091 -> "meta";
          case 0xF092 -> "range map";
          default -> "regular";
        };
    return new Brin(type, (u16(page, special + 4) & 1) != 0);
  }

  private static List<String> flags(MemorySegment page, int offset, List<String> names) {
    return FlagNames.of(u16(page, offset), names);
  }

  private static int u16(MemorySegment page, int offset) {
    return page.get(SHORT, offset) & 0xFFFF;
  }

  private static long u32(MemorySegment page, int offset) {
    return page.get(INT, offset) & 0xFFFF_FFFFL;
  }
}
