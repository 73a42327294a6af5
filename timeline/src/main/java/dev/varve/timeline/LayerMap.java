package dev.varve.timeline;

import dev.varve.layer.Layer;
import dev.varve.layer.MemoryLayer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Which layers a timeline has at one moment; immutable but for its reference count.
///
/// A read uses one map from start to end. What one map no longer names is freed when that map and
/// all before it are out of use: a map holds a reference on its successor, and when it is left by
/// its last user it closes what it was the last to name, and lets go of the successor.
///
/// A map *at rest* does not say which files there are: only the index part on disk does.
///
/// @see LayerMaps
final class LayerMap {

  private final @Nullable MemoryLayer open;
  private final List<FrozenLayer> frozen;
  private final @Nullable HistoricLayers historic;

  /// One for being the current map, one for the predecessor, and one for each reader.
  private final AtomicInteger users;

  private volatile @Nullable Retirement retirement;

  /// What happens when the last user is gone.
  private record Retirement(List<? extends Layer> layers, @Nullable LayerMap successor) {}

  private LayerMap(
      @Nullable MemoryLayer open,
      List<FrozenLayer> frozen,
      @Nullable HistoricLayers historic,
      int users) {
    this.open = open;
    this.frozen = frozen;
    this.historic = historic;
    this.users = new AtomicInteger(users);
  }

  /// @param historic null: at rest
  static LayerMap first(@Nullable HistoricLayers historic) {
    return new LayerMap(null, List.of(), historic, 1);
  }

  /// The layer that the writer appends to, if there is one.
  @Nullable MemoryLayer open() {
    return open;
  }

  /// Newest first.
  List<FrozenLayer> frozen() {
    return frozen;
  }

  @Nullable FrozenLayer oldestFrozen() {
    return frozen.isEmpty() ? null : frozen.getLast();
  }

  long frozenBytes() {
    long sum = 0;
    for (FrozenLayer layer : frozen) {
      sum += layer.layer().bytes();
    }
    return sum;
  }

  /// Those in files; not to be asked of a map at rest.
  HistoricLayers historic() {
    if (historic == null) {
      throw new IllegalStateException("the layer map is at rest");
    }
    return historic;
  }

  boolean isAtRest() {
    return historic == null;
  }

  /// With the files that the index part names.
  LayerMap awake(HistoricLayers files) {
    return new LayerMap(open, frozen, files, 2);
  }

  LayerMap withOpen(@Nullable MemoryLayer newOpen) {
    return new LayerMap(newOpen, frozen, historic, 2);
  }

  /// The open layer becomes the newest frozen one.
  LayerMap withOpenFrozen(FrozenLayer layer) {
    var newFrozen = new java.util.ArrayList<FrozenLayer>(frozen.size() + 1);
    newFrozen.add(layer);
    newFrozen.addAll(frozen);
    return new LayerMap(null, List.copyOf(newFrozen), historic, 2);
  }

  LayerMap withFlushed(FrozenLayer layer, List<HistoricLayer> files) {
    List<FrozenLayer> left = frozen.stream().filter(other -> !other.equals(layer)).toList();
    return new LayerMap(open, left, historic().with(files), 2);
  }

  /// @param before files that are in here
  /// @param after what takes their place
  LayerMap withMerged(List<HistoricLayer> before, List<HistoricLayer> after) {
    return new LayerMap(open, frozen, historic().changed(after, before), 2);
  }

  LayerMap withFiles(List<HistoricLayer> files) {
    return new LayerMap(open, frozen, historic().with(files), 2);
  }

  /// @return false when the map is out of use already
  boolean acquire() {
    int now = users.get();
    while (now > 0) {
      if (users.compareAndSet(now, now + 1)) {
        return true;
      }
      now = users.get();
    }
    return false;
  }

  /// Takes the map out of use if that takes it from nobody: it is the current one, no earlier one
  /// is in use, and it has nothing that is in memory only.
  boolean claim() {
    return open == null && frozen.isEmpty() && users.compareAndSet(1, 0);
  }

  void release() {
    LayerMap map = this;
    while (map != null && map.users.decrementAndGet() == 0) {
      map = map.free();
    }
  }

  private @Nullable LayerMap free() {
    Retirement last = retirement;
    if (last == null) {
      throw new IllegalStateException("the current layer map was released too often");
    }
    last.layers.forEach(Layer::close);
    return last.successor;
  }

  /// This map is no longer the current one.
  ///
  /// @param layers those that the successor does not name
  void retire(List<? extends Layer> layers, @Nullable LayerMap successor) {
    retirement = new Retirement(layers, successor);
    release();
  }
}
