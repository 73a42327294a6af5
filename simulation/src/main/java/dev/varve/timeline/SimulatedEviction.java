package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.layer.LayerOwner;
import dev.varve.model.KeyRange;
import dev.varve.remote.RemoteStorage;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BooleanSupplier;

/// Evicts layers as a node may that has its tenant.
public final class SimulatedEviction {

  private SimulatedEviction() {}

  /// Gives up files of layers that the newest index part in the object store names.
  ///
  /// @param storage past all faults
  /// @param chosen says for each of them whether it goes
  /// @return how many went
  public static int evict(Timeline timeline, RemoteStorage storage, BooleanSupplier chosen)
      throws IOException, InterruptedException {
    TimelineKey key = TimelineKey.of(timeline.identity());
    StoredIndex stored = StoredIndex.readListed(storage, key);
    if (stored == null) {
      return 0;
    }
    Set<LayerEntry> named = new HashSet<>(stored.part().layers());
    var owner = new LayerOwner(key.tenant(), key.id());
    int evicted = 0;
    LayerMap map = timeline.index().maps().acquire();
    try {
      for (HistoricLayer layer : map.historic().overlapping(KeyRange.ALL)) {
        boolean goes =
            named.contains(layer.entry())
                && layer.layer() instanceof FileLayer file
                && chosen.getAsBoolean()
                && file.residency().evict(layer.entry().stored(owner));
        evicted += goes ? 1 : 0;
      }
    } finally {
      map.release();
    }
    return evicted;
  }
}
