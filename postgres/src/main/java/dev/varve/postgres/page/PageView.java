package dev.varve.postgres.page;

import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.model.Lsn;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A page for people: what the functions of PostgreSQL's `pageinspect` tell, in one value. Made of
/// any 8192 bytes: what is damaged is said, and not looked into.
///
/// @param damage what is wrong with the header or a line pointer, or null
/// @param checksum whether the stored checksum is right; meaningless in a cluster without checksums
/// @param items empty where a page of this kind has no line pointers
public record PageView(
    PageKind kind,
    Header header,
    boolean checksum,
    @Nullable String damage,
    SpecialView special,
    List<ItemView> items) {

  /// The header's fields; `pruneXid` unsigned.
  public record Header(
      Lsn lsn,
      int checksum,
      List<String> flags,
      int lower,
      int upper,
      int special,
      int pageSize,
      int layoutVersion,
      long pruneXid) {

    static Header of(MemorySegment page) {
      return new Header(
          new Lsn(Page.lsn(page)),
          Page.checksum(page),
          FlagNames.of(Page.flags(page), FlagNames.HEADER),
          Page.lower(page),
          Page.upper(page),
          Page.special(page),
          Page.sizeAndVersion(page) & 0xFF00,
          Page.sizeAndVersion(page) & 0xFF,
          Integer.toUnsignedLong(Page.pruneXid(page)));
    }
  }

  private static final int META = 8;
  private static final int GIN_DATA = 1;
  private static final int BUCKET_OR_OVERFLOW = 3;
  private static final int SPGIST_META = 1;
  private static final int BRIN_REGULAR = 0xF093;

  public PageView {
    items = List.copyOf(items);
  }

  /// @param page 8192 bytes
  /// @param fork 0 main, 1 free space map, 2 visibility map, 3 init
  /// @param block the page's number in its fork, for the checksum
  public static PageView of(MemorySegment page, int fork, int block) {
    Header header = Header.of(page);
    boolean checksum = Checksum.isRight(page, block);
    String damage = Page.damage(page);
    if (damage != null) {
      return new PageView(
          PageKind.UNKNOWN, header, checksum, damage, new SpecialView.None(), List.of());
    }
    PageKind kind = PageKind.of(page, fork);
    if (!hasPointers(page, kind)) {
      return new PageView(kind, header, checksum, null, SpecialView.of(page, kind), List.of());
    }
    List<ItemView> items =
        IntStream.rangeClosed(1, Page.pointers(page))
            .mapToObj(number -> ItemView.of(page, kind, number))
            .toList();
    return new PageView(
        kind, header, checksum, Page.pointerDamage(page), SpecialView.of(page, kind), items);
  }

  private static boolean hasPointers(MemorySegment page, PageKind kind) {
    int special = Page.special(page);
    return switch (kind) {
      case HEAP, SEQUENCE, GIST -> true;
      case BTREE -> (page.get(SHORT, special + 12L) & META) == 0;
      case HASH -> (page.get(SHORT, special + 12L) & BUCKET_OR_OVERFLOW) != 0;
      case GIN -> (page.get(SHORT, special + 6L) & (META | GIN_DATA)) == 0;
      case SPGIST -> (page.get(SHORT, special) & SPGIST_META) == 0;
      case BRIN -> (page.get(SHORT, special + 6L) & 0xFFFF) == BRIN_REGULAR;
      case NEW, FREE_SPACE_MAP, VISIBILITY_MAP, BLOOM, UNKNOWN -> false;
    };
  }
}
