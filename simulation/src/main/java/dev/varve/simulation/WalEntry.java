package dev.varve.simulation;

import dev.varve.model.Key;
import java.util.List;

/// A record of the simulated WAL.
///
/// @param loaded whether its images come through an {@link dev.varve.timeline.ImageLoad}
record WalEntry(long lsn, List<Put> puts, boolean loaded) {

  record Put(Key key, Version version) {}
}
