package dev.varve.postgres.page;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.SHORT;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A line pointer and what it points to.
///
/// @param number from 1
/// @param state `unused`, `normal`, `redirect` or `dead`
/// @param offset of the tuple in the page; for a redirect the number of its target
/// @param length of the tuple
/// @param tuple null where there is none, or the line pointer is damaged
public record ItemView(int number, String state, int offset, int length, @Nullable Tuple tuple) {

  /// The smallest header of a heap tuple.
  static final int HEAP_HEADER = 23;

  private static final int INDEX_HEADER = 8;

  /// What a tuple says of itself.
  public sealed interface Tuple {}

  /// | bytes | field                                                         |
  /// |-------|---------------------------------------------------------------|
  /// | 0-7   | xmin, xmax                                                    |
  /// | 8-11  | command id, or the transaction of an old VACUUM FULL          |
  /// | 12-17 | block (high half first) and number of the next version        |
  /// | 18-21 | infomask2 (low 11 bits: columns), infomask                    |
  /// | 22    | where the columns begin                                       |
  ///
  /// PostgreSQL's `access/htup_details.h`.
  ///
  /// @param next of the form `(block,number)`
  public record Heap(
      long xmin,
      long xmax,
      long command,
      String next,
      int columns,
      int columnsAt,
      int infomask,
      int infomask2,
      List<String> flags)
      implements Tuple {}

  /// | bytes | field                                                         |
  /// |-------|---------------------------------------------------------------|
  /// | 0-5   | block (high half first) and number of the heap tuple          |
  /// | 6-7   | low 13 bits: length; 3 bits of flags                          |
  ///
  /// PostgreSQL's `access/itup.h`. In inner pages the block is that of the child.
  ///
  /// @param target of the form `(block,number)`
  public record Index(String target, int length, List<String> flags) implements Tuple {}

  static ItemView of(MemorySegment page, PageKind kind, int number) {
    int pointer = Page.pointer(page, number);
    int offset = Page.offset(pointer);
    int length = Page.length(pointer);
    return new ItemView(number, state(pointer), offset, length, tuple(page, kind, offset, length));
  }

  private static String state(int pointer) {
    return switch (Page.pointerFlags(pointer)) {
      case Page.UNUSED -> "unused";
      case Page.NORMAL -> "normal";
      case Page.REDIRECT -> "redirect";
      default -> "dead";
    };
  }

  private static @Nullable Tuple tuple(MemorySegment page, PageKind kind, int offset, int length) {
    if (offset < Page.upper(page) || offset + length > Page.special(page)) {
      return null;
    }
    return switch (kind) {
      case HEAP, SEQUENCE -> length < HEAP_HEADER ? null : heap(page, offset);
      case BTREE, HASH, GIST, GIN -> length < INDEX_HEADER ? null : index(page, offset);
      case NEW, FREE_SPACE_MAP, VISIBILITY_MAP, SPGIST, BRIN, BLOOM, UNKNOWN -> null;
    };
  }

  private static Heap heap(MemorySegment page, int offset) {
    int infomask2 = u16(page, offset + 18);
    int infomask = u16(page, offset + 20);
    List<String> flags =
        Stream.concat(
                FlagNames.of(infomask, FlagNames.INFOMASK).stream(),
                FlagNames.of(infomask2, FlagNames.INFOMASK2).stream())
            .toList();
    return new Heap(
        u32(page, offset),
        u32(page, offset + 4),
        u32(page, offset + 8),
        place(page, offset + 12),
        infomask2 & 0x7FF,
        page.get(BYTE, offset + 22L) & 0xFF,
        infomask,
        infomask2,
        flags);
  }

  private static Index index(MemorySegment page, int offset) {
    int info = u16(page, offset + 6);
    return new Index(place(page, offset), info & 0x1FFF, FlagNames.of(info, FlagNames.INDEX_INFO));
  }

  private static String place(MemorySegment page, int offset) {
    long block = (long) u16(page, offset) << 16 | u16(page, offset + 2);
    return "(" + block + "," + u16(page, offset + 4) + ")";
  }

  private static int u16(MemorySegment page, int offset) {
    return page.get(SHORT, offset) & 0xFFFF;
  }

  private static long u32(MemorySegment page, int offset) {
    return page.get(INT, offset) & 0xFFFF_FFFFL;
  }
}
