package dev.varve.timeline;

import dev.varve.layer.Layer;
import dev.varve.model.KeyRange;

/// A layer file of a timeline: what the index part says of it, and the layer that reads it.
record HistoricLayer(LayerEntry entry, Layer layer) {

  /// The keys that count, which may be fewer than are in the file.
  KeyRange keys() {
    return entry.keys();
  }
}
