package dev.varve.timeline;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;

/// What is known of a timeline's layer files without a list of them.
///
/// @param byLevel how many have each level, from 0 on
/// @param bytes the size of all together
record LayerSummary(List<Integer> byLevel, long bytes) {

  static final LayerSummary NONE = of(List.of());

  LayerSummary {
    byLevel = List.copyOf(byLevel);
  }

  static LayerSummary of(Collection<LayerEntry> layers) {
    var byLevel = new ArrayList<>(Collections.nCopies(LayerEntry.BOTTOM + 1, 0));
    long bytes = 0;
    for (LayerEntry layer : layers) {
      byLevel.set(layer.level(), byLevel.get(layer.level()) + 1);
      bytes += layer.bytes();
    }
    return new LayerSummary(byLevel, bytes);
  }

  int count() {
    return byLevel.stream().mapToInt(Integer::intValue).sum();
  }
}
