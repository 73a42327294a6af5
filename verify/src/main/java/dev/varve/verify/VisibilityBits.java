package dev.varve.verify;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// Pages of a visibility map: a header, then two bits for each heap block.
final class VisibilityBits {

  private VisibilityBits() {}

  /// Sets in one page what only another has; so the two are equal afterwards unless the first one
  /// had more.
  static void addMissing(MemorySegment page, MemorySegment other) {
    for (long at = Page.HEADER; at < Page.SIZE; at++) {
      int bits = page.get(PgLayout.BYTE, at) | other.get(PgLayout.BYTE, at);
      page.set(PgLayout.BYTE, at, (byte) bits);
    }
  }
}
