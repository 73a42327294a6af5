package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.layer.Layer;
import dev.varve.layer.LayerName;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The current layer map of a timeline. Any thread may call any method; taking the map takes no
/// lock, replacing it does, for a few assignments.
///
/// While nobody needs the files the map may be {@linkplain LayerMap at rest}. Who takes it then has
/// it woken first.
final class LayerMaps {

  private final String timeline;
  private final Waking waking;
  private final Object lock = new Object();
  private int keepers;

  /// Layers that the current map does not name any more, and that somebody may still read.
  private final List<FileLayer> leaving = new ArrayList<>();

  private volatile LayerMap current;
  private volatile boolean closed;

  /// Whether the map was taken since {@link #wasUsed} was asked; read much more often than written.
  private volatile boolean used;

  /// Brings back a map that is at rest.
  interface Waking {

    /// Calls {@link #wake}, unless somebody else just has.
    ///
    /// @throws IOException when the index part can't be read, or is not what was written
    void wake() throws IOException;
  }

  /// @param historic null: at rest
  LayerMaps(String timeline, @Nullable HistoricLayers historic, Waking waking) {
    this.timeline = timeline;
    this.waking = waking;
    current = LayerMap.first(historic);
  }

  /// The current map, for a look at it only; its layers may go at any time.
  LayerMap peek() {
    return current;
  }

  /// The current map, to be {@linkplain LayerMap#release() released}; until then its layers stay.
  /// It is not at rest.
  ///
  /// @throws IOException when it was, and can't be woken
  /// @throws PageserverException.Unavailable when the timeline is closed
  LayerMap acquire() throws IOException {
    if (!used) {
      used = true;
    }
    while (true) {
      LayerMap map = current;
      boolean atRest = map.isAtRest();
      if (!atRest && map.acquire()) {
        return map;
      }
      if (closed) {
        throw closed();
      }
      if (atRest) {
        waking.wake();
      } else {
        Thread.onSpinWait();
      }
    }
  }

  PageserverException.Unavailable closed() {
    return new PageserverException.Unavailable("timeline \"" + timeline + "\" is closed");
  }

  /// Whether the map was taken since the last time this was asked.
  boolean wasUsed() {
    boolean was = used;
    used = false;
    return was;
  }

  /// Keeps the map from resting until {@link #mayRest} is called, but no layer from being freed:
  /// for work that takes long, and names layers of one map in a later one.
  ///
  /// @throws IOException when it rests, and can't be woken; it may rest then
  void stayAwake() throws IOException {
    synchronized (lock) {
      keepers++;
    }
    boolean awake = false;
    try {
      acquire().release();
      awake = true;
    } finally {
      if (!awake) {
        mayRest();
      }
    }
  }

  void mayRest() {
    synchronized (lock) {
      keepers--;
    }
  }

  /// Puts a map at rest in the place of one that nobody uses; its files are closed.
  ///
  /// @return false when it is in use, or at rest already, or has layers in memory
  boolean rest() {
    LayerMap before;
    synchronized (lock) {
      before = current;
      if (closed || keepers > 0 || before.isAtRest() || !before.claim()) {
        return false;
      }
      current = LayerMap.first(null);
    }
    before.historic().forEach(file -> file.layer().close());
    return true;
  }

  /// Ends the rest.
  ///
  /// @param files all that there are
  void wake(List<HistoricLayer> files) {
    add(map -> map.awake(HistoricLayers.of(files)), files, List.of());
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
      leaving.removeIf(layer -> !isOpen(layer));
      for (Layer layer : gone) {
        if (layer instanceof FileLayer file) {
          leaving.add(file);
        }
      }
      before.retire(gone, after);
      return true;
    }
  }

  /// Whether somebody still reads a layer that the current map does not name.
  boolean isLeaving(LayerName name) {
    synchronized (lock) {
      leaving.removeIf(layer -> !isOpen(layer));
      return leaving.stream().anyMatch(layer -> layer.name().equals(name));
    }
  }

  private static boolean isOpen(Layer layer) {
    boolean open = layer.acquire();
    if (open) {
      layer.release();
    }
    return open;
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
      if (!last.isAtRest()) {
        last.historic().forEach(file -> all.add(file.layer()));
      }
      last.retire(all, null);
    }
  }
}
