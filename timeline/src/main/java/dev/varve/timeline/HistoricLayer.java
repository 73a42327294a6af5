package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.layer.Layer;
import dev.varve.layer.LayerKind;
import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;

/// A layer file of a timeline: what the index part says of it, and the layer that reads it.
public record HistoricLayer(LayerEntry entry, Layer layer) {

  /// The keys that count, which may be fewer than are in the file.
  public KeyRange keys() {
    return entry.keys();
  }

  /// The LSNs of its versions.
  public LsnRange lsns() {
    return entry.name().lsns();
  }

  /// Whether a read of a key has to fetch something from object storage before the layer can say
  /// what it has.
  boolean isFetchNeeded(long upper, long middle, long lower, long floor, long end) {
    return layer instanceof FileLayer file && file.isFetchNeeded(upper, middle, lower, floor, end);
  }

  LayerKind kind() {
    return entry.name().kind();
  }
}
