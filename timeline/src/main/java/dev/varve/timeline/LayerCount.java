package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.model.PageserverException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/// How many layers of a timeline are in a state, at about one moment.
///
/// @param state as {@link LayerReport#state()} has it
/// @param bytes of their files
public record LayerCount(String state, int layers, long bytes) {

  /// Of each state that a layer is in.
  ///
  /// @return empty while the timeline is at rest: it is not woken for this
  public static Optional<List<LayerCount>> of(Timeline timeline) {
    LayerMap map = timeline.index().maps().peek();
    return map.isAtRest() ? Optional.empty() : Optional.of(of(map));
  }

  /// As {@link #of}, but wakes the timeline if it is at rest, and lets it rest again.
  ///
  /// @throws PageserverException.Unavailable when the list of its layers can't be read
  public static List<LayerCount> waking(Timeline timeline) {
    var counts = new ArrayList<LayerCount>();
    timeline.glance(() -> {
      timeline.condition().requireUsable();
      LayerMap map = timeline.reader().requireMap();
      try {
        counts.addAll(of(map));
      } finally {
        map.release();
      }
    });
    return counts;
  }

  private static List<LayerCount> of(LayerMap map) {
    var counts = new TreeMap<String, LayerCount>();
    map.historic()
        .forEach(layer -> {
          if (layer.layer() instanceof FileLayer file) {
            String state = LayerReport.word(file.residency().state());
            counts.merge(state, new LayerCount(state, 1, layer.entry().bytes()), LayerCount::plus);
          }
        });
    return List.copyOf(counts.values());
  }

  private static LayerCount plus(LayerCount a, LayerCount b) {
    return new LayerCount(a.state, a.layers + b.layers, a.bytes + b.bytes);
  }
}
