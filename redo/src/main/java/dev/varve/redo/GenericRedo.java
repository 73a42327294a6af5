package dev.varve.redo;

import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// Redo of Generic records, by which extensions log the difference that they made to up to four
/// pages. A block's data is any number of pieces:
///
/// | bytes | field                                |
/// |-------|--------------------------------------|
/// | 0-1   | where on the page                    |
/// | 2-3   | length n                             |
/// | n     | what the page has there from then on |
///
/// No piece is about what lies between the bounds of the page's free space: that becomes zero.
/// There is no main data.
///
/// A page of zeroes is refused, whatever the pieces would make of it: to PostgreSQL's redo, too, it
/// is no page, and the end of its recovery fails (`xlogutils.c`). Extensions log a page that they
/// make as a whole (`GENERIC_XLOG_FULL_IMAGE`). PostgreSQL: `generic_xlog.c`.
final class GenericRedo {

  private static final int PIECE_HEADER = 4;

  private static final MemorySegment ZEROES =
      MemorySegment.ofArray(new byte[Page.SIZE]).asReadOnly();

  private GenericRedo() {}

  static void apply(Change change, long lsn, MemorySegment page) {
    if ((change.info() & 0xF0) != RecordType.GENERIC_CHANGE) {
      throw change.unsupported();
    }
    PageItems.count(change, page);
    MemorySegment source = change.bytes();
    int length = change.dataLength();
    int at = 0;
    while (at < length) {
      int to = change.dataUint16(at);
      int size = change.dataUint16(at + 2);
      at += PIECE_HEADER;
      if (size > length - at || to + size > Page.SIZE) {
        throw change.corrupted(
            "a piece of %d bytes for %d, of which it has %d".formatted(size, to, length - at));
      }
      MemorySegment.copy(source, change.dataOffset() + (long) at, page, to, size);
      at += size;
    }
    PageItems.count(change, page);
    int lower = Page.lower(page);
    MemorySegment.copy(ZEROES, 0, page, lower, Page.upper(page) - (long) lower);
    Page.setLsn(page, lsn);
  }
}
