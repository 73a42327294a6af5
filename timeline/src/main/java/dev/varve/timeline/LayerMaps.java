package dev.varve.timeline;

import dev.varve.layer.Layer;
import dev.varve.model.PageserverException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// The current layer map of a timeline. Any thread may call any method; taking the map takes no
/// lock, replacing it does, for a few assignments.
final class LayerMaps {

  private final String timeline;
  private final Object lock = new Object();
  private volatile LayerMap current;
  private volatile boolean closed;

  LayerMaps(String timeline, HistoricLayers historic) {
    this.timeline = timeline;
    current = LayerMap.first(historic);
  }

  /// The current map, for a look at it only; its layers may go at any time.
  LayerMap peek() {
    return current;
  }

  /// The current map, to be {@linkplain LayerMap#release() released}; until then its layers stay.
  ///
  /// @throws PageserverException.Unavailable when the timeline is closed
  LayerMap acquire() {
    while (true) {
      LayerMap map = current;
      if (map.acquire()) {
        return map;
      }
      if (closed) {
        throw closed();
      }
      Thread.onSpinWait();
    }
  }

  PageserverException.Unavailable closed() {
    return new PageserverException.Unavailable("timeline \"" + timeline + "\" is closed");
  }

  /// Replaces the map.
  ///
  /// @param change makes a new map of the present one
  /// @param gone the layers that the new map does not name; closed when nobody reads them any more
  /// @return false when the timeline is closed; then nothing has changed
  boolean update(UnaryOperator<LayerMap> change, List<? extends Layer> gone) {
    synchronized (lock) {
      if (closed) {
        return false;
      }
      LayerMap before = current;
      LayerMap after = change.apply(before);
      current = after;
      before.retire(gone, after);
      return true;
    }
  }

  /// As {@link #update}, with new files, which are closed if it is too late for them.
  void add(UnaryOperator<LayerMap> change, List<HistoricLayer> files, List<? extends Layer> gone) {
    if (!update(change, gone)) {
      files.forEach(file -> file.layer().close());
    }
  }

  /// Closes all layers, each when its last reader is done.
  void close() {
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      LayerMap last = current;
      var all = new ArrayList<Layer>();
      last.frozen().forEach(frozen -> all.add(frozen.layer()));
      if (last.open() != null) {
        all.add(last.open());
      }
      last.historic().forEach(file -> all.add(file.layer()));
      last.retire(all, null);
    }
  }
}
