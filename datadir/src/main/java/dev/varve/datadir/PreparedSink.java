package dev.varve.datadir;

/// Takes the prepared transactions of a data directory.
@FunctionalInterface
public interface PreparedSink {

  /// @param xid as it is in the file's name: with its epoch from PostgreSQL 17 on
  /// @param file the whole state file
  void prepared(long xid, byte[] file);
}
