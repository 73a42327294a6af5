package dev.varve.walreceiver.replication;

/// One of the archives of a base backup.
///
/// @param oid of the tablespace; 0 for the data directory itself
/// @param location its path on the server; empty for the data directory
/// @param estimatedBytes how long the archive will be, about; -1 if the server does not say
public record BackupTablespace(int oid, String location, long estimatedBytes) {

  public boolean isDataDirectory() {
    return oid == 0;
  }
}
