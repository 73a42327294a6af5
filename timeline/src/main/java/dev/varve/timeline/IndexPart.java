package dev.varve.timeline;

import dev.varve.model.Lsn;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/// What changes of a timeline: which layer files are its, and what they reach. Authoritative: a
/// file that is not named here does not count.
///
/// @param diskConsistentLsn all up to here is in the layers
/// @param readableFrom the earliest LSN that a read may ask for
/// @param imported whether the first data is complete; if not, a restart discards the timeline
record IndexPart(
    Lsn diskConsistentLsn, Lsn readableFrom, boolean imported, List<LayerEntry> layers) {

  IndexPart {
    layers = List.copyOf(layers);
  }

  IndexPart withFlushed(Lsn newDiskConsistentLsn, Collection<LayerEntry> more) {
    var all = new ArrayList<>(layers);
    all.addAll(more);
    return new IndexPart(newDiskConsistentLsn, readableFrom, imported, all);
  }

  IndexPart withImported(Lsn newReadableFrom) {
    return new IndexPart(diskConsistentLsn, newReadableFrom, true, layers);
  }
}
