package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;

/// A base backup that came whole.
///
/// @param end up to where WAL must be replayed before the files agree with each other
/// @param endTimeline the PostgreSQL timeline of that
/// @param bytes of all archives
public record BackupResult(BackupStart start, Lsn end, int endTimeline, long bytes) {}
