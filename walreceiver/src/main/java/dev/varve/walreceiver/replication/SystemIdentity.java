package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;

/// Which cluster a server is, and where its WAL ends: the answer to `IDENTIFY_SYSTEM`.
///
/// @param systemId what the control file calls the system identifier, unsigned
/// @param timeline the PostgreSQL timeline it writes
/// @param flushed up to where its WAL is on its disk
public record SystemIdentity(long systemId, int timeline, Lsn flushed) {

  /// The system identifier as PostgreSQL prints it.
  public String systemIdText() {
    return Long.toUnsignedString(systemId);
  }
}
