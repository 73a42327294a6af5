package dev.varve.timeline;

import dev.varve.layer.Layer;

/// A layer file of a timeline: what the index part says of it, and the layer that reads it.
record HistoricLayer(LayerEntry entry, Layer layer) {}
