package dev.varve.timeline;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/// The layer maps of a timeline and its ancestors that one read of many keys uses, each taken when
/// it is first needed. Of one thread.
final class HeldMaps implements AutoCloseable {

  private final List<PageReader> readers = new ArrayList<>(2);
  private final List<LayerMap> maps = new ArrayList<>(2);
  private final Supplier<List<KeyRun>> runs;

  /// @param runs what the read asks for from now on, beginning with the key that it is at
  HeldMaps(Supplier<List<KeyRun>> runs) {
    this.runs = runs;
  }

  /// What the read asks for from now on, beginning with the key that it is at.
  List<KeyRun> runs() {
    return runs.get();
  }

  /// @throws IOException when a layer map can't be had
  LayerMap of(PageReader reader) throws IOException {
    for (int i = 0; i < maps.size(); i++) {
      if (isSame(readers.get(i), reader)) {
        return maps.get(i);
      }
    }
    LayerMap map = reader.maps().acquire();
    readers.add(reader);
    maps.add(map);
    return map;
  }

  /// Records compare by what is in them, which is a lot.
  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(PageReader a, PageReader b) {
    return a == b;
  }

  @Override
  public void close() {
    maps.forEach(LayerMap::release);
  }
}
