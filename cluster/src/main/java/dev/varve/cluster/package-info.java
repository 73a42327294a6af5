/// A PostgreSQL on this machine: its binaries, initdb, start and stop. For the demo and for tests.
@NullMarked
package dev.varve.cluster;

import org.jspecify.annotations.NullMarked;
