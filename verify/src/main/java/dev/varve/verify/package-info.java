/// Whether redo makes of an archive of WAL what the server made: replays WAL over a base backup,
/// and compares every page with what the WAL itself says of it.
///
/// {@link dev.varve.verify.WalVerification} runs it. The log goes the same way as into a timeline
/// ({@link dev.varve.datadir.ingest.WalIngest}), but into a {@link dev.varve.verify.ReplayStore},
/// which makes the pages at once and keeps the newest of each only ({@link
/// dev.varve.verify.PageStore}). {@link dev.varve.verify.Judge} looks at each record's pages,
/// {@link dev.varve.verify.Findings} counts what it found.
@NullMarked
package dev.varve.verify;

import org.jspecify.annotations.NullMarked;
