package dev.varve.redo;

import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The special space of an SP-GiST page, and how its items change.
///
/// | bytes     | field                                                     |
/// |-----------|-----------------------------------------------------------|
/// | 8184-8185 | flags: 1 metapage, 2 deleted, 4 leaf, 8 holds nulls       |
/// | 8186-8187 | how many redirects there are on the page                  |
/// | 8188-8189 | how many placeholders there are on the page               |
/// | 8190-8191 | FF82                                                      |
///
/// Items keep their numbers, because other tuples point at them: what goes leaves a tuple behind
/// that is not live ({@link SpgistTuple}), and what comes may take the number of a placeholder.
/// PostgreSQL's `access/spgist_private.h`. Hot: nothing is allocated.
final class SpgistPage {

  static final int META = 1;
  static final int LEAF = 4;
  static final int NULLS = 8;

  private static final int SPECIAL = 8;
  private static final int START = Page.SIZE - SPECIAL;
  private static final long FLAGS = START;
  private static final long REDIRECTS = START + 2;
  private static final long PLACEHOLDERS = START + 4;
  private static final long ID = START + 6;
  private static final short PAGE_ID = (short) 0xFF82;
  private static final int MAX_COUNT = 0xFFFF;

  /// Where a bit for each item of a page has room in the scratch page while numbers are sorted.
  private static final int BITS_BYTES = Page.SIZE / PageItems.POINTER / Byte.SIZE;

  private static final int BITS = Page.SIZE - BITS_BYTES;

  private SpgistPage() {}

  /// Fails unless the page's header is sound and its special space that of an SP-GiST page with
  /// items.
  static void require(Change change, MemorySegment page) {
    PageItems.count(change, page);
    if (Page.special(page) != START
        || page.get(SHORT, ID) != PAGE_ID
        || (page.get(SHORT, FLAGS) & META) != 0) {
      throw change.corrupted(
          "the page is none with items of an SP-GiST index, its special space begins at "
              + Page.special(page));
    }
  }

  /// Makes an empty page of it when the record says so, which has to agree with its block's flag;
  /// else fails unless it is one already.
  static void open(Change change, MemorySegment page, boolean isNew, int flags) {
    if (isNew != change.initializes()) {
      throw change.corrupted("its main data and its block do not agree on whether the page is new");
    }
    if (isNew) {
      Page.initialize(page, SPECIAL);
      page.set(SHORT, FLAGS, (short) flags);
      page.set(SHORT, ID, PAGE_ID);
    } else {
      require(change, page);
    }
  }

  private static void count(Change change, MemorySegment page, long counter, int more) {
    int count = (page.get(SHORT, counter) & 0xFFFF) + more;
    if (count < 0 || count > MAX_COUNT) {
      throw change.corrupted(
          "the page would have %d %s"
              .formatted(count, counter == REDIRECTS ? "redirects" : "placeholders"));
    }
    page.set(SHORT, counter, (short) count);
  }

  private static void countState(Change change, MemorySegment page, int state) {
    switch (state) {
      case SpgistTuple.REDIRECT -> count(change, page, REDIRECTS, 1);
      case SpgistTuple.PLACEHOLDER -> count(change, page, PLACEHOLDERS, 1);
      default -> {}
    }
  }

  /// Adds a tuple of the change's bytes as the next item, or in the place of a placeholder.
  static void put(Change change, MemorySegment page, int number, long source, int length) {
    if (number <= PageItems.count(change, page)) {
      requirePlaceholder(change, page, number);
      count(change, page, PLACEHOLDERS, -1);
      IndexItems.remove(change, page, number);
    }
    IndexItems.add(change, page, number, change.bytes(), source, length);
  }

  private static void requirePlaceholder(Change change, MemorySegment page, int number) {
    if (state(change, page, number) != SpgistTuple.PLACEHOLDER) {
      throw change.corrupted("item %d of the page is no placeholder".formatted(number));
    }
  }

  private static int state(Change change, MemorySegment page, int number) {
    return SpgistTuple.state(page, Page.offset(IndexItems.item(change, page, number)));
  }

  /// {@link #replace} for an item that has to be dead.
  static void revive(Change change, MemorySegment page, int number, long source, int length) {
    if (state(change, page, number) != SpgistTuple.DEAD) {
      throw change.corrupted("item %d of the page is not dead".formatted(number));
    }
    replace(change, page, number, source, length);
  }

  /// Gives an item another tuple, of the change's bytes, below all others.
  static void replace(Change change, MemorySegment page, int number, long source, int length) {
    IndexItems.remove(change, page, number);
    IndexItems.add(change, page, number, change.bytes(), source, length);
  }

  /// Leaves tuples that are not live in the place of items. The first that is named gets `state`;
  /// the others become dead if it does, and else placeholders.
  ///
  /// @param numbers where in the change's bytes their numbers are, `u16` each, in any order
  /// @param target where a redirect leads, and `xid` its transaction
  static void kill(
      Change change, MemorySegment page, long numbers, int count, int state, long target, int xid) {
    if (count == 0) {
      return;
    }
    int first = change.bytes().get(SHORT, numbers) & 0xFFFF;
    int others = state == SpgistTuple.DEAD ? state : SpgistTuple.PLACEHOLDER;
    sort(change, page, numbers, count);
    MemorySegment sorted = change.scratch();
    IndexItems.removeAll(change, page, sorted, 0, count);
    for (int i = 0; i < count; i++) {
      int number = sorted.get(SHORT, 2L * i) & 0xFFFF;
      int at = IndexItems.place(change, page, number, SpgistTuple.DEAD_SIZE);
      int itsState = number == first ? state : others;
      SpgistTuple.writeDead(page, at, itsState, target, xid);
      countState(change, page, itsState);
    }
  }

  /// Puts the numbers of items of the page at the front of the scratch page, in ascending order.
  ///
  /// There they do not meet what {@link IndexItems#removeAll} puts there: two bytes for an item end
  /// before the page's line pointers do.
  private static void sort(Change change, MemorySegment page, long numbers, int count) {
    MemorySegment source = change.bytes();
    MemorySegment scratch = change.scratch();
    int items = PageItems.count(change, page);
    for (int at = 0; at < BITS_BYTES; at += Long.BYTES) {
      scratch.set(LONG, (long) BITS + at, 0);
    }
    for (int i = 0; i < count; i++) {
      int number = source.get(SHORT, numbers + 2L * i) & 0xFFFF;
      if (number < 1 || number > items) {
        throw change.corrupted("it names item %d, the page has %d".formatted(number, items));
      }
      long word = BITS + (long) (number >>> 6) * Long.BYTES;
      long bit = 1L << (number & 63);
      if ((scratch.get(LONG, word) & bit) != 0) {
        throw change.corrupted("it names item %d twice".formatted(number));
      }
      scratch.set(LONG, word, scratch.get(LONG, word) | bit);
    }
    int sorted = 0;
    for (int word = 0; sorted < count; word++) {
      long bits = scratch.get(LONG, BITS + (long) word * Long.BYTES);
      for (; bits != 0; bits &= bits - 1) {
        int number = word << 6 | Long.numberOfTrailingZeros(bits);
        scratch.set(SHORT, 2L * sorted, (short) number);
        sorted++;
      }
    }
  }

  /// Exchanges the tuples of two items.
  static void exchange(Change change, MemorySegment page, int number, int other) {
    int pointer = IndexItems.item(change, page, number);
    int otherPointer = IndexItems.item(change, page, other);
    Page.setPointer(page, number, otherPointer);
    Page.setPointer(page, other, pointer);
  }

  /// Leaves one tuple that is not live in the place of an item.
  static void killOne(
      Change change, MemorySegment page, int number, int state, long target, int xid) {
    IndexItems.remove(change, page, number);
    int at = IndexItems.place(change, page, number, SpgistTuple.DEAD_SIZE);
    SpgistTuple.writeDead(page, at, state, target, xid);
    countState(change, page, state);
  }

  /// Makes a placeholder of a redirect.
  static void endRedirect(Change change, MemorySegment page, int number) {
    SpgistTuple.endRedirect(change, page, number);
    count(change, page, REDIRECTS, -1);
    count(change, page, PLACEHOLDERS, 1);
  }

  /// Removes the items from `first` to the last, which have to be placeholders.
  static void cutPlaceholders(Change change, MemorySegment page, int first) {
    int count = PageItems.count(change, page) - first + 1;
    MemorySegment scratch = change.scratch();
    for (int i = 0; i < count; i++) {
      requirePlaceholder(change, page, first + i);
      scratch.set(SHORT, 2L * i, (short) (first + i));
    }
    if (count < 1) {
      throw change.corrupted("the page has no item " + first);
    }
    IndexItems.removeAll(change, page, scratch, 0, count);
    count(change, page, PLACEHOLDERS, -count);
  }
}
