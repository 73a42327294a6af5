package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;

/// Where a stream ended because the server's PostgreSQL timeline did: it was promoted.
///
/// @param timeline the one that follows
/// @param start where it forked off
public record NextTimeline(int timeline, Lsn start) {}
