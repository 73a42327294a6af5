/// A data directory as files: what each is by its name, and the files that describe a backup.
@NullMarked
package dev.varve.postgres.backup;

import org.jspecify.annotations.NullMarked;
