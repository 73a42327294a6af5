/// A client of PostgreSQL's wire protocol, version 3: where to connect, TLS, authentication, and
/// messages. Knows nothing of replication.
@NullMarked
package dev.varve.walreceiver.libpq;

import org.jspecify.annotations.NullMarked;
