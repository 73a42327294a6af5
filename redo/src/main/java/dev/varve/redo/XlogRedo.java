package dev.varve.redo;

import dev.varve.postgres.wal.RecordType;

/// Redo of the log's own records for a block whose image the record does not have; where it has
/// one, that is all there is to do, and {@link ImageRedo} does it.
///
/// FPI always has it. FPI_FOR_HINT, written before hint bits change a page for the first time,
/// comes without it from PostgreSQL 15 on while `full_page_writes` is off: nothing is to be done
/// then, and the page keeps its LSN. PostgreSQL: `xlog.c`.
final class XlogRedo {

  private XlogRedo() {}

  static void apply(Change change) {
    switch (change.info() & 0xF0) {
      case RecordType.XLOG_FPI_FOR_HINT -> {}
      case RecordType.XLOG_FPI -> throw change.corrupted("the record has no image of it");
      default -> throw change.unsupported();
    }
  }
}
