package dev.varve.walreceiver;

import dev.varve.walreceiver.libpq.ConnectionInfo;
import java.util.Optional;

/// A PostgreSQL to follow, and what it must be.
///
/// @param slot the physical replication slot that keeps WAL for us
/// @param systemId the system identifier of the cluster that was imported
/// @param major its major version
public record Source(ConnectionInfo connection, Optional<String> slot, long systemId, int major) {}
