package dev.varve.timeline;

import dev.varve.layer.Layer;
import dev.varve.model.PageserverException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/// The current layer map of a timeline. Any thread may call any method.
final class LayerMaps {

  private final String timeline;
  private final AtomicReference<LayerMap> current;
  private volatile boolean closed;

  LayerMaps(String timeline, HistoricLayers historic) {
    this.timeline = timeline;
    current = new AtomicReference<>(LayerMap.first(historic));
  }

  /// The current map, for a look at it only; its layers may go at any time.
  LayerMap peek() {
    return current.get();
  }

  /// The current map, to be {@linkplain LayerMap#release() released}; until then its layers stay.
  ///
  /// @throws PageserverException.Unavailable when the timeline is closed
  LayerMap acquire() {
    while (true) {
      LayerMap map = current.get();
      if (map.acquire()) {
        return map;
      }
      if (closed) {
        throw new PageserverException.Unavailable("timeline \"" + timeline + "\" is closed");
      }
      Thread.onSpinWait();
    }
  }

  /// Replaces the map.
  ///
  /// @param change makes a new map of the present one; may be called again, so it only computes
  /// @param gone the layers that the new map does not name; closed when nobody reads them any more
  void update(UnaryOperator<LayerMap> change, List<? extends Layer> gone) {
    while (true) {
      LayerMap before = current.get();
      LayerMap after = change.apply(before);
      if (current.compareAndSet(before, after)) {
        before.retire(gone, after);
        return;
      }
    }
  }

  /// Closes all layers, each when its last reader is done. No update may come at the same time.
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    LayerMap last = current.get();
    var all = new ArrayList<Layer>();
    last.frozen().forEach(frozen -> all.add(frozen.layer()));
    if (last.open() != null) {
      all.add(last.open());
    }
    last.historic().forEach(file -> all.add(file.layer()));
    last.retire(all, null);
  }
}
