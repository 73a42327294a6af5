package dev.varve.redo;

import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The items of a page: line pointers that grow from the front, tuples that grow from the back.
///
/// Where a tuple ends up is part of the page, so these follow PostgreSQL's `storage/page/bufpage.c`
/// to the byte:
///
/// | operation   | what moves                                                                   |
/// |-------------|------------------------------------------------------------------------------|
/// | place       | the line pointers from the item's number on, one place up; the tuple goes    |
/// |             | below all others                                                             |
/// | remove      | the line pointers behind it, one place down; all tuples that lie below it,   |
/// |             | up by its size                                                               |
/// | remove many | up to two: one by one, the last first; more: the tuples that stay are packed |
/// |             | against the special space in the order of their line pointers                |
/// | vacate      | no line pointer, but that of the last item goes; tuples as for remove        |
/// | overwrite   | all tuples that lie below it, by the difference of the sizes                 |
///
/// Tuples take up a multiple of 8 bytes. All methods check what they are told and what the page
/// says of itself, so nothing beyond the page is ever read or written; after a failure, which is
/// {@link Change#corrupted}, the page is worthless. Nothing is allocated. Thread-safe, as there is
/// no state.
final class IndexItems {

  private static final int MAX_LENGTH = 0x7FFF;

  private IndexItems() {}

  /// The line pointer of an item that has a tuple; its bytes are sure to be in the tuples' space.
  static int item(Change change, MemorySegment page, int number) {
    int count = PageItems.count(change, page);
    if (number < 1 || number > count) {
      throw change.corrupted("it names item %d, the page has %d".formatted(number, count));
    }
    return sound(change, page, number);
  }

  private static int sound(Change change, MemorySegment page, int number) {
    int pointer = Page.pointer(page, number);
    int offset = Page.offset(pointer);
    int length = Page.length(pointer);
    if (length == 0
        || offset < Page.upper(page)
        || offset + length > Page.special(page)
        || (offset & 7) != 0) {
      throw change.corrupted(
          "item %d of the page has %d bytes at %d".formatted(number, length, offset));
    }
    return pointer;
  }

  /// Makes room for an item and numbers it; the caller fills in the tuple.
  ///
  /// @param number 1 to one more than there are
  /// @return where the tuple's `length` bytes go
  static int place(Change change, MemorySegment page, int number, int length) {
    int count = PageItems.count(change, page);
    int lower = Page.lower(page) + PageItems.POINTER;
    int upper = Page.upper(page) - PageItems.align(length);
    if (number < 1 || number > count + 1) {
      throw change.corrupted("item %d can't follow %d".formatted(number, count));
    }
    if (length < 0 || length > MAX_LENGTH || lower > upper) {
      throw change.corrupted(
          "no room for an item of %d bytes between %d and %d"
              .formatted(length, Page.lower(page), Page.upper(page)));
    }
    long at = pointerAt(number);
    if (number <= count) {
      MemorySegment.copy(
          page, at, page, at + PageItems.POINTER, (count + 1L - number) * PageItems.POINTER);
    }
    Page.setPointer(page, number, Page.pointerOf(upper, Page.NORMAL, length));
    Page.setLower(page, lower);
    Page.setUpper(page, upper);
    return upper;
  }

  /// Adds an item; see {@link #place}.
  static void add(
      Change change,
      MemorySegment page,
      int number,
      MemorySegment source,
      long offset,
      int length) {
    MemorySegment.copy(source, offset, page, place(change, page, number, length), length);
  }

  /// Adds an item after all others. @return where its tuple is
  static int append(
      Change change, MemorySegment page, MemorySegment source, long offset, int length) {
    int at = place(change, page, PageItems.count(change, page) + 1, length);
    MemorySegment.copy(source, offset, page, at, length);
    return at;
  }

  /// Removes an item with its line pointer.
  static void remove(Change change, MemorySegment page, int number) {
    int pointer = item(change, page, number);
    int offset = Page.offset(pointer);
    int count = PageItems.count(change, page);
    long at = pointerAt(number);
    MemorySegment.copy(
        page, at + PageItems.POINTER, page, at, (count - (long) number) * PageItems.POINTER);
    Page.setLower(page, Page.lower(page) - PageItems.POINTER);
    slide(page, count - 1, offset, offset, PageItems.align(Page.length(pointer)));
  }

  /// Removes an item's tuple so that all other items keep their numbers: its line pointer becomes
  /// unused, or goes when it is the last one.
  static void vacate(Change change, MemorySegment page, int number) {
    int pointer = item(change, page, number);
    int offset = Page.offset(pointer);
    int count = PageItems.count(change, page);
    if (number < count) {
      Page.setPointer(page, number, 0);
    } else {
      Page.setLower(page, Page.lower(page) - PageItems.POINTER);
      count--;
    }
    slide(page, count, offset, offset, PageItems.align(Page.length(pointer)));
  }

  /// Moves the bytes from the upper bound to `end` up by `distance` (or down, when negative), and
  /// the line pointers of all tuples that begin at `last` or below with them.
  private static void slide(MemorySegment page, int count, int end, int last, int distance) {
    int upper = Page.upper(page);
    MemorySegment.copy(page, upper, page, upper + (long) distance, (long) end - upper);
    Page.setUpper(page, upper + distance);
    for (int number = 1; number <= count; number++) {
      int pointer = Page.pointer(page, number);
      if (Page.hasStorage(pointer) && Page.offset(pointer) <= last) {
        // The offset has the lowest bits, and grows within the page: nothing carries over.
        Page.setPointer(page, number, pointer + distance);
      }
    }
  }

  /// Removes the items whose numbers are given, `u16` each, ascending.
  static void removeAll(
      Change change, MemorySegment page, MemorySegment numbers, long at, int count) {
    if (count <= 2) {
      for (int i = count - 1; i >= 0; i--) {
        remove(change, page, numbers.get(SHORT, at + 2L * i) & 0xFFFF);
      }
    } else if (wouldStayInOrder(change, page, numbers, at, count)) {
      pack(change, page, page, numbers, at, count);
    } else {
      int upper = Page.upper(page);
      MemorySegment scratch = change.scratch();
      MemorySegment.copy(page, upper, scratch, upper, Page.special(page) - (long) upper);
      pack(change, page, scratch, numbers, at, count);
    }
  }

  /// Checks the page and the numbers. @return whether of the tuples that stay each lies below the
  /// one before, so that they can be moved up one after the other without harm
  private static boolean wouldStayInOrder(
      Change change, MemorySegment page, MemorySegment numbers, long at, int removed) {
    int count = PageItems.count(change, page);
    int next = 0;
    int total = 0;
    int last = Page.SIZE;
    boolean ordered = true;
    for (int number = 1; number <= count; number++) {
      int pointer = sound(change, page, number);
      if (next < removed && number == (numbers.get(SHORT, at + 2L * next) & 0xFFFF)) {
        next++;
      } else {
        int length = PageItems.align(Page.length(pointer));
        ordered &= Page.offset(pointer) + length <= last;
        last = Page.offset(pointer);
        total += length;
      }
    }
    if (next != removed) {
      throw change.corrupted(
          "the items to remove are not %d of %d in ascending order".formatted(removed, count));
    }
    if (total > Page.special(page) - Page.lower(page)) {
      throw change.corrupted("the items' lengths add up to %d bytes".formatted(total));
    }
    return ordered;
  }

  /// Packs the tuples that stay, found in `source`, against the special space. Neighbours are moved
  /// as one.
  private static void pack(
      Change change,
      MemorySegment page,
      MemorySegment source,
      MemorySegment numbers,
      long at,
      int removed) {
    int count = PageItems.count(change, page);
    int upper = Page.special(page);
    int head = upper; // source bytes head..tail wait to be moved to upper
    int tail = upper;
    int next = 0;
    int kept = 0;
    for (int number = 1; number <= count; number++) {
      if (next < removed && number == (numbers.get(SHORT, at + 2L * next) & 0xFFFF)) {
        next++;
        continue;
      }
      int pointer = Page.pointer(page, number);
      int offset = Page.offset(pointer);
      int end = offset + PageItems.align(Page.length(pointer));
      if (end != head) {
        MemorySegment.copy(source, head, page, upper, (long) tail - head);
        tail = end;
      }
      head = offset;
      upper -= end - offset;
      Page.setPointer(page, ++kept, pointer + (upper - offset));
    }
    MemorySegment.copy(source, head, page, upper, (long) tail - head);
    Page.setLower(page, (int) pointerAt(kept + 1));
    Page.setUpper(page, upper);
  }

  /// Replaces an item's tuple; its line pointer keeps its flags.
  static void overwrite(
      Change change,
      MemorySegment page,
      int number,
      MemorySegment source,
      long offset,
      int length) {
    int old = item(change, page, number);
    int distance = PageItems.align(Page.length(old)) - PageItems.align(length);
    if (length < 0 || -distance > Page.upper(page) - Page.lower(page)) {
      throw change.corrupted(
          "no room for %d bytes in the place of item %d".formatted(length, number));
    }
    if (distance != 0) {
      slide(page, PageItems.count(change, page), Page.offset(old), Page.offset(old), distance);
    }
    int at = Page.offset(old) + distance;
    Page.setPointer(page, number, Page.pointerOf(at, Page.pointerFlags(old), length));
    MemorySegment.copy(source, offset, page, at, length);
  }

  /// {@link #overwrite} by the first `length` bytes of the tuple itself, as it stands on the page.
  static void shrink(Change change, MemorySegment page, int number, int length) {
    int old = item(change, page, number);
    int offset = Page.offset(old);
    int distance = PageItems.align(Page.length(old)) - PageItems.align(length);
    if (length < 0 || distance < 0) {
      throw change.corrupted(
          "item %d of %d bytes can't shrink to %d".formatted(number, Page.length(old), length));
    }
    if (distance != 0) {
      slide(
          page, PageItems.count(change, page), offset + PageItems.align(length), offset, distance);
    }
    Page.setPointer(
        page, number, Page.pointerOf(offset + distance, Page.pointerFlags(old), length));
  }

  private static long pointerAt(int number) {
    return Page.HEADER + (number - 1L) * PageItems.POINTER;
  }
}
