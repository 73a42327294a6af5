package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// Redo of Sequence LOG: the page is always made anew from the record.
///
/// | main data | field                                                        |
/// |-----------|--------------------------------------------------------------|
/// | 0-11      | relation: tablespace, database, relation file number         |
/// | 12-       | the sequence's only tuple, whole                             |
///
/// The special space is 8 bytes that begin with 1717 (u32). PostgreSQL: `sequence.c`.
final class SequenceRedo {

  private static final int MAGIC = 0x1717;
  private static final int SPECIAL_BYTES = 4;
  private static final int TUPLE = 12;

  private SequenceRedo() {}

  static void apply(Change change, long lsn, MemorySegment page) {
    if ((change.info() & 0xF0) != RecordType.SEQUENCE_LOG || change.blockId() != 0) {
      throw change.unsupported();
    }
    if (!change.initializes()) {
      throw change.corrupted("it does not initialise the page");
    }
    int length = change.mainLength() - TUPLE;
    change.requireMain(TUPLE + 1);
    Page.initialize(page, SPECIAL_BYTES);
    page.set(PgLayout.INT, Page.special(page), MAGIC);
    int offset = PageItems.allocate(change, page, 1, length);
    MemorySegment.copy(change.bytes(), change.mainOffset() + (long) TUPLE, page, offset, length);
    Page.setLsn(page, lsn);
  }
}
