/// The key space of a PostgreSQL data directory: import, WAL ingest, views at an LSN, base backups.
@NullMarked
package dev.varve.datadir;

import org.jspecify.annotations.NullMarked;
