package dev.varve.datadir;

import dev.varve.model.Lsn;
import java.time.Instant;

/// That a transaction committed.
///
/// @param lsn of the record that says so
/// @param time when the server said that it was, to the microsecond
public record CommitTime(Lsn lsn, Instant time) {}
