/// Base backups: into a timeline, from the files of one, in any order.
///
/// {@link dev.varve.datadir.backup.BackupImport} takes files as they come, from a running server or
/// a tar; {code TarImport} imports what `pg_basebackup` left on a disk, with the WAL beside it.
@NullMarked
package dev.varve.datadir.backup;

import org.jspecify.annotations.NullMarked;
