package dev.varve.verify;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.varve.postgres.page.ItemView;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageView;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;

/// What two states of a page differ in, for people: header, special space, line pointers and
/// tuples, then bytes.
final class PageDifference {

  private static final int MOST_ITEMS = 8;
  private static final int MOST_RANGES = 6;
  private static final int MOST_BYTES = 24;

  /// Differences closer than this are shown as one.
  private static final int NEAR = 8;

  private PageDifference() {}

  /// @param ours what redo made
  /// @param theirs what it should be
  static List<String> of(MemorySegment ours, MemorySegment theirs, int fork, int block) {
    var lines = new ArrayList<String>();
    PageView our = PageView.of(ours, fork, block);
    PageView their = PageView.of(theirs, fork, block);
    if (!our.header().equals(their.header())) {
      lines.add("header is      " + our.header());
      lines.add("       not     " + their.header());
    }
    if (!Objects.equals(our.damage(), their.damage())) {
      lines.add("damage: " + our.damage() + ", not " + their.damage());
    }
    if (!our.special().equals(their.special())) {
      lines.add("special is     " + our.special());
      lines.add("        not    " + their.special());
    }
    items(our.items(), their.items(), lines);
    bytes(ours, theirs, lines);
    return lines;
  }

  private static void items(List<ItemView> ours, List<ItemView> theirs, List<String> lines) {
    int shown = 0;
    for (int i = 0; i < Math.max(ours.size(), theirs.size()) && shown < MOST_ITEMS; i++) {
      Object our = i < ours.size() ? ours.get(i) : "nothing";
      Object their = i < theirs.size() ? theirs.get(i) : "nothing";
      if (!our.equals(their)) {
        lines.add("item " + (i + 1) + " is " + our);
        lines.add("    not " + their);
        shown++;
      }
    }
  }

  private static void bytes(MemorySegment ours, MemorySegment theirs, List<String> lines) {
    long at = mismatch(ours, theirs, 0);
    for (int range = 0; at >= 0; range++) {
      if (range == MOST_RANGES) {
        lines.add("and more bytes, from " + at + " on");
        return;
      }
      long end = end(ours, theirs, at);
      lines.add(
          "bytes %d to %d are %s, not %s"
              .formatted(at, end - 1, hex(ours, at, end), hex(theirs, at, end)));
      at = mismatch(ours, theirs, end);
    }
  }

  private static long mismatch(MemorySegment ours, MemorySegment theirs, long from) {
    long found = ours.asSlice(from).mismatch(theirs.asSlice(from));
    return found < 0 ? found : from + found;
  }

  /// Where a stretch of differences that begins at `at` ends.
  private static long end(MemorySegment ours, MemorySegment theirs, long at) {
    long end = at + 1;
    long next = mismatch(ours, theirs, end);
    while (next >= 0 && next - end < NEAR && end < Page.SIZE) {
      end = next + 1;
      next = mismatch(ours, theirs, end);
    }
    return end;
  }

  private static String hex(MemorySegment page, long from, long to) {
    long length = Math.min(to - from, MOST_BYTES);
    byte[] bytes = page.asSlice(from, length).toArray(JAVA_BYTE);
    return HexFormat.of().formatHex(bytes) + (to - from > length ? "…" : "");
  }
}
