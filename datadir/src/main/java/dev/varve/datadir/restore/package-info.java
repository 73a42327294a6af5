/// Data directories out: what an unmodified PostgreSQL needs to start at an LSN, as a tar.
///
/// {@link dev.varve.datadir.restore.BaseBackup} gives the order of the files; {@link
/// dev.varve.datadir.restore.BackupTar} is the tar; {@link dev.varve.datadir.restore.StartingPoint}
/// makes what is not read from the store: control file, WAL segment and timeline history; {@link
/// dev.varve.datadir.restore.Configuration} makes the configuration safe.
@NullMarked
package dev.varve.datadir.restore;

import org.jspecify.annotations.NullMarked;
