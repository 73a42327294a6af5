package dev.varve.walreceiver.replication;

import java.io.IOException;
import java.io.InputStream;

/// Takes a base backup as it comes over the wire; called by the thread that asked for it.
///
/// The streams are the wire: while a handler does not read, the server waits. What it leaves unread
/// is skipped. An exception of the handler ends the backup and the connection.
public interface BackupHandler {

  /// The backup has begun on the server.
  default void started(BackupStart start) throws IOException {}

  /// One archive: a tar with its two closing blocks of zeros. The data directory's holds
  /// `backup_label`, `tablespace_map` if there are tablespaces, and `pg_control` after all files.
  void archive(BackupTablespace tablespace, InputStream tar) throws IOException;

  /// The manifest, JSON; after the archives, if it was asked for.
  default void manifest(InputStream json) throws IOException {}
}
