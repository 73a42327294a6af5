/// The control file and the checkpoint: what a server reads first when it starts.
@NullMarked
package dev.varve.postgres.control;

import org.jspecify.annotations.NullMarked;
