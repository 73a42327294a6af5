package dev.varve.redo;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The items of a page as redo changes them.
///
/// Every method checks what it reads against the page before it touches it, and throws {@link
/// dev.varve.model.PageserverException.DataCorrupted} through the change. PostgreSQL: `bufpage.c`.
/// Hot: nothing is allocated.
final class PageItems {

  static final int POINTER = 4;

  private PageItems() {}

  static int align(int length) {
    return length + 7 & -8;
  }

  /// How many line pointers the page has, its header checked.
  static int count(Change change, MemorySegment page) {
    int lower = Page.lower(page);
    int upper = Page.upper(page);
    int special = Page.special(page);
    if (lower < Page.HEADER
        || lower > upper
        || upper > special
        || special > Page.SIZE
        || (special & 7) != 0) {
      throw change.corrupted(
          "the page says lower " + lower + ", upper " + upper + ", special " + special);
    }
    return (lower - Page.HEADER) / POINTER;
  }

  /// The line pointer of an item with storage of at least `minimum` bytes, lying between the line
  /// pointers and the special space.
  static int stored(Change change, MemorySegment page, int number, int minimum) {
    int count = count(change, page);
    if (number < 1 || number > count) {
      throw change.corrupted("it names line pointer " + number + ", the page has " + count);
    }
    int item = Page.pointer(page, number);
    int length = Page.length(item);
    int offset = Page.offset(item);
    if (length < minimum || offset < Page.upper(page) || offset + length > Page.special(page)) {
      throw change.corrupted(
          "line pointer " + number + " of the page has " + length + " bytes at " + offset);
    }
    return item;
  }

  /// Makes room for an item and points line pointer `number` at it: one that is unused, or the next
  /// new one. The caller writes the item's bytes.
  ///
  /// @return where the item begins
  static int allocate(Change change, MemorySegment page, int number, int length) {
    int count = count(change, page);
    if (number < 1 || number > count + 1) {
      throw change.corrupted("it fills line pointer " + number + ", the page has " + count);
    }
    int lower = Page.lower(page);
    if (number <= count) {
      int old = Page.pointer(page, number);
      if (Page.pointerFlags(old) != Page.UNUSED || Page.hasStorage(old)) {
        throw change.corrupted("it fills line pointer " + number + ", which is in use");
      }
    } else {
      lower += POINTER;
    }
    int upper = Page.upper(page) - align(length);
    if (lower > upper || length > Page.SIZE) {
      throw change.corrupted("the page has no room for an item of " + length + " bytes");
    }
    Page.setPointer(page, number, Page.pointerOf(upper, Page.NORMAL, length));
    Page.setLower(page, lower);
    Page.setUpper(page, upper);
    return upper;
  }

  /// Packs the items from the special space downwards in the order of their line pointers, as
  /// PostgreSQL does from 14 on, whatever order they lay in.
  static void compact(Change change, MemorySegment page) {
    int count = count(change, page);
    int special = Page.special(page);
    int upper = Page.upper(page);
    int end = special;
    int previous = special;
    boolean descending = true;
    for (int i = 1; i <= count; i++) {
      int item = Page.pointer(page, i);
      int length = Page.length(item);
      if (length != 0) {
        int offset = Page.offset(item);
        if (offset < upper || offset + length > special || (offset & 7) != 0) {
          throw change.corrupted(
              "line pointer " + i + " of the page has " + length + " bytes at " + offset);
        }
        end -= align(length);
        descending &= offset + align(length) <= previous;
        previous = offset;
      }
    }
    if (end < Page.lower(page)) {
      throw change.corrupted("the items of the page take " + (special - end) + " bytes");
    }
    if (descending) {
      move(page, true, page, count);
    } else {
      // Items would overwrite each other on their way.
      MemorySegment from = change.scratch();
      MemorySegment.copy(page, upper, from, upper, (long) special - upper);
      move(from, false, page, count);
    }
  }

  private static void move(MemorySegment from, boolean inPlace, MemorySegment page, int count) {
    int end = Page.special(page);
    for (int i = 1; i <= count; i++) {
      int item = Page.pointer(page, i);
      int length = Page.length(item);
      if (length != 0) {
        int size = align(length);
        end -= size;
        if (!inPlace || Page.offset(item) != end) {
          MemorySegment.copy(from, Page.offset(item), page, end, size);
          Page.setPointer(page, i, Page.pointerOf(end, Page.pointerFlags(item), length));
        }
      }
    }
    Page.setUpper(page, end);
  }

  /// Cuts the unused line pointers at the end of the array, down to `least` of them.
  static void cut(Change change, MemorySegment page, int least) {
    int count = count(change, page);
    int kept = count;
    while (kept > least && Page.pointerFlags(Page.pointer(page, kept)) == Page.UNUSED) {
      kept--;
    }
    if (kept < count) {
      Page.setLower(page, Page.HEADER + kept * POINTER);
    }
  }
}
