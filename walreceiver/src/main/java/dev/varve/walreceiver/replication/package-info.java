/// The commands of physical replication: what the server is, slots, base backups, the stream of
/// WAL.
@NullMarked
package dev.varve.walreceiver.replication;

import org.jspecify.annotations.NullMarked;
