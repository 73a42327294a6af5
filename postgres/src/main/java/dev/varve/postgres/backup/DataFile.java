package dev.varve.postgres.backup;

import dev.varve.postgres.slru.Slru;
import dev.varve.postgres.wal.SegmentName;

/// What a file of a data directory is, by its name. {@link DataFiles} reads names.
///
/// All numbers are unsigned.
public sealed interface DataFile {

  /// One file of a fork of a relation: `segment` counts 131,072 blocks each.
  ///
  /// Of a relation that has an init fork (an unlogged one) nothing else is worth taking: the server
  /// makes the other forks anew from it after every crash.
  ///
  /// @param tablespace 1663 for `base`, 1664 for `global`
  /// @param database 0 in `global`
  /// @param fork 0 main, 1 free space map, 2 visibility map, 3 init
  record RelationSegment(int tablespace, int database, int relation, int fork, int segment)
      implements DataFile {

    public static final int BLOCKS = 131_072;
  }

  /// `pg_filenode.map` of a database, or of `global`.
  record RelationMapFile(int tablespace, int database) implements DataFile {}

  /// `PG_VERSION` of a database's folder, or of the cluster (tablespace and database 0).
  record VersionFile(int tablespace, int database) implements DataFile {}

  record SlruSegment(Slru slru, int segment) implements DataFile {}

  /// `global/pg_control`.
  record Control() implements DataFile {}

  /// A prepared transaction's state.
  ///
  /// @param xid from version 17 on with the epoch in the high half
  record TwoPhase(long xid) implements DataFile {}

  record WalSegment(SegmentName name) implements DataFile {}

  /// @param tli the PostgreSQL timeline whose history it is
  record TimelineHistoryFile(int tli) implements DataFile {}

  /// `backup_label`: {@link BackupLabel}.
  record Label() implements DataFile {}

  /// `tablespace_map`: {@link TablespaceMap}.
  record TablespaceMapFile() implements DataFile {}

  /// `backup_manifest`: {@link BackupManifest}.
  record Manifest() implements DataFile {}

  /// A file that a restored cluster wants as it is: configuration, logical decoding's state, or
  /// something that an administrator has put there.
  ///
  /// @param path relative to the data directory, cleaned
  record Other(String path) implements DataFile {}

  /// A file that a running server makes anew, or that would be wrong in a copy.
  record Ignored(String path) implements DataFile {}
}
