/// The files of per-transaction state: commit log, multixacts, commit timestamps.
@NullMarked
package dev.varve.postgres.slru;

import org.jspecify.annotations.NullMarked;
