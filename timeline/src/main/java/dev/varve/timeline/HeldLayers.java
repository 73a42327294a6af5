package dev.varve.timeline;

import java.util.ArrayList;
import java.util.List;

/// References on layer files, so that they stay while they are read as files. Any thread may call
/// any method.
final class HeldLayers implements AutoCloseable {

  private final List<HistoricLayer> layers = new ArrayList<>();
  private boolean closed;

  /// Takes a reference, unless this is closed by now.
  ///
  /// @return false when there is none, because the layer has gone or this is closed
  synchronized boolean add(HistoricLayer layer) {
    if (closed || !layer.layer().acquire()) {
      return false;
    }
    layers.add(layer);
    return true;
  }

  synchronized List<HistoricLayer> layers() {
    return List.copyOf(layers);
  }

  @Override
  public synchronized void close() {
    closed = true;
    layers.forEach(layer -> layer.layer().release());
    layers.clear();
  }
}
