package dev.varve.simulation;

import dev.varve.model.Key;
import java.time.Instant;
import java.util.List;

/// A record of the simulated WAL.
///
/// @param time when it was committed
/// @param loaded whether its images come through an {@link dev.varve.timeline.ImageLoad}
record WalEntry(long lsn, Instant time, List<Put> puts, boolean loaded) {

  record Put(Key key, Version version) {}
}
