package dev.varve.timeline;

import dev.varve.layer.FileLayer;
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
    if (map.isAtRest()) {
      return Optional.empty();
    }
    var counts = new TreeMap<String, LayerCount>();
    map.historic()
        .forEach(layer -> {
          if (layer.layer() instanceof FileLayer file) {
            String state = LayerReport.word(file.residency().state());
            counts.merge(state, new LayerCount(state, 1, layer.entry().bytes()), LayerCount::plus);
          }
        });
    return Optional.of(List.copyOf(counts.values()));
  }

  private static LayerCount plus(LayerCount a, LayerCount b) {
    return new LayerCount(a.state, a.layers + b.layers, a.bytes + b.bytes);
  }
}
