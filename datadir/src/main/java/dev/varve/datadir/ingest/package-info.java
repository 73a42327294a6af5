/// From WAL to page versions: what each record does to the keys of a data directory.
///
/// {@link dev.varve.datadir.ingest.WalIngest} takes the bytes of the log and hands each record to
/// the class for its concern: pages ({@code BlockReferences}), transactions, files of relations,
/// databases, SLRUs, the running checkpoint. They all write through one {@code VersionWriter}, at
/// the LSN of the record, into a {@link dev.varve.datadir.ingest.VersionStore}: a timeline, or what
/// shall follow a log as one does. What a record writes becomes visible at once.
@NullMarked
package dev.varve.datadir.ingest;

import org.jspecify.annotations.NullMarked;
