package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The special space of a GIN page, and the metapage.
///
/// | bytes     | field                                                                          |
/// |-----------|--------------------------------------------------------------------------------|
/// | 8184-8187 | block number of the right sibling, FFFFFFFF if there is none                   |
/// | 8188-8189 | on inner pages of a posting tree: how many items; on pages of the pending      |
/// |           | list: how many heap tuples                                                     |
/// | 8190-8191 | flags: 1 of a posting tree, 2 leaf, 4 deleted, 8 metapage, 10 of the pending   |
/// |           | list, 20 whole rows only, 40 incomplete split, 80 compressed                   |
///
/// The metapage, whose content each record that changes it has whole:
///
/// | bytes | field                                                                              |
/// |-------|------------------------------------------------------------------------------------|
/// | 24-39 | the pending list: head, tail, free bytes on the tail page, pages                   |
/// | 40-47 | the pending list: heap tuples                                                      |
/// | 48-59 | pages of the index, of its entry tree, of its posting trees, at the last vacuum    |
/// | 64-71 | entries, at the last vacuum                                                        |
/// | 72-75 | version, 2 from 9.4 on                                                             |
///
/// PostgreSQL's `access/ginblock.h`.
final class GinPage {

  static final int DATA = 1;
  static final int LEAF = 2;
  static final int DELETED = 4;
  static final int META = 8;
  static final int LIST = 0x10;
  static final int FULL_ROW = 0x20;
  static final int INCOMPLETE_SPLIT = 0x40;
  static final int COMPRESSED = 0x80;

  static final int NO_BLOCK = -1;

  /// How long the metapage's content is.
  static final int METADATA = 56;

  private static final int SPECIAL = 8;

  /// Where the special space begins.
  static final int END = Page.SIZE - SPECIAL;

  private static final long RIGHT = END;
  private static final long COUNT = END + 4;
  private static final long FLAGS = END + 6;

  private GinPage() {}

  /// Fails unless the page's header is sound, its special space as big as GIN's, and the page one
  /// of a posting tree or an entry tree, a leaf or none, as the flags say.
  ///
  /// @param kind {@link #DATA} and {@link #LEAF}, both or one or neither
  static void require(Change change, MemorySegment page, int kind) {
    require(change, page);
    int flags = flags(page);
    if ((flags & (DATA | LEAF | DELETED | META | LIST)) != kind) {
      throw change.corrupted(
          "the page has the flags %x where %x are expected".formatted(flags, kind));
    }
  }

  /// Fails unless the page's header is sound, and its special space as big as GIN's.
  static void require(Change change, MemorySegment page) {
    PageItems.count(change, page);
    if (Page.special(page) != END) {
      throw change.corrupted(
          "the page is none of GIN, its special space begins at " + Page.special(page));
    }
  }

  static int flags(MemorySegment page) {
    return page.get(SHORT, FLAGS) & 0xFFFF;
  }

  static void setFlags(MemorySegment page, int flags) {
    page.set(SHORT, FLAGS, (short) flags);
  }

  static int count(MemorySegment page) {
    return page.get(SHORT, COUNT) & 0xFFFF;
  }

  static void setCount(MemorySegment page, int count) {
    page.set(SHORT, COUNT, (short) count);
  }

  static void setRight(MemorySegment page, int block) {
    page.set(INT, RIGHT, block);
  }

  /// Makes an empty page of it, without a right sibling.
  static void initialize(MemorySegment page, int flags) {
    Page.initialize(page, SPECIAL);
    setRight(page, NO_BLOCK);
    setFlags(page, flags);
  }

  /// Makes the metapage of it.
  ///
  /// @param at where the content is in the main data
  static void initializeMeta(Change change, MemorySegment page, int at) {
    change.requireMain(at + METADATA);
    initialize(page, META);
    MemorySegment.copy(
        change.bytes(), change.mainOffset() + (long) at, page, Page.HEADER, METADATA);
    Page.setLower(page, Page.HEADER + METADATA);
  }
}
