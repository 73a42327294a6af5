/// Follows a PostgreSQL primary: the replication client, its sources, feedback.
@NullMarked
package dev.varve.walreceiver;

import org.jspecify.annotations.NullMarked;
