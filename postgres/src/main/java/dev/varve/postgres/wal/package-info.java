/// The write-ahead log: its pages, records, full-page images and statistics.
///
/// A {@link dev.varve.postgres.wal.WalDecoder} takes the bytes of the log in any chunks and hands
/// every record, checked, to a {@link dev.varve.postgres.wal.RecordHandler}. Damage of any kind is
/// a {@link dev.varve.postgres.wal.WalException} that knows its LSN. What a record does to pages is
/// not known here.
@NullMarked
package dev.varve.postgres.wal;

import org.jspecify.annotations.NullMarked;
