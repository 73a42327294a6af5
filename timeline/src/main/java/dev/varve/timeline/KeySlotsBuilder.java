package dev.varve.timeline;

import dev.varve.model.Key;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Makes the tree of {@link KeySlots} of many layers at once, from the top down: a layer goes into
/// the stacks of the slots that it covers, and down into the at most two that it covers in part.
final class KeySlotsBuilder {

  /// A layer, and which of the bounds it begins and ends at.
  private record Placed(HistoricLayer file, int start, int end) {}

  private final Key[] bounds;

  private KeySlotsBuilder(Key[] bounds) {
    this.bounds = bounds;
  }

  /// Where slots have to start so that the layers begin and end where slots do.
  static Key[] bounds(List<HistoricLayer> files) {
    Key[] all = new Key[2 * files.size() + 1];
    int count = 0;
    all[count++] = Key.MIN;
    for (HistoricLayer file : files) {
      all[count++] = file.keys().start();
      all[count++] = file.keys().end();
    }
    Arrays.sort(all);
    int distinct = 1;
    for (int i = 1; i < count; i++) {
      if (!all[i].equals(all[distinct - 1]) && !all[i].equals(Key.MAX)) {
        all[distinct++] = all[i];
      }
    }
    return Arrays.copyOf(all, distinct);
  }

  /// @param files by {@link LayerStack#NEWEST_FIRST}
  static KeySlots build(List<HistoricLayer> files, Key[] bounds) {
    var builder = new KeySlotsBuilder(bounds);
    var placed = new ArrayList<Placed>(files.size());
    for (HistoricLayer file : files) {
      placed.add(
          new Placed(
              file, builder.indexOf(file.keys().start()), builder.indexOf(file.keys().end())));
    }
    int size = 1;
    while (size * KeySlots.USUAL < bounds.length) {
      size *= KeySlots.USUAL;
    }
    return builder.node(placed, 0, bounds.length, size);
  }

  private int indexOf(Key key) {
    int found = Arrays.binarySearch(bounds, key);
    return found < 0 ? -found - 1 : found;
  }

  /// @param placed the layers that have some, but not all, of the keys from bound `from` to `to`
  /// @param size at how many bounds a slot is to start
  private KeySlots node(List<Placed> placed, int from, int to, int size) {
    int slots = (to - from + size - 1) / size;
    int[] limits = new int[slots + 1];
    for (int i = 0; i <= slots; i++) {
      limits[i] = from + (int) ((long) (to - from) * i / slots);
    }
    List<List<HistoricLayer>> covering = lists(slots);
    List<List<Placed>> partial = lists(slots);
    for (Placed layer : placed) {
      int i = Arrays.binarySearch(limits, Math.max(layer.start, from));
      for (i = i < 0 ? -i - 2 : i; i < slots && limits[i] < layer.end; i++) {
        if (layer.start <= limits[i] && limits[i + 1] <= layer.end) {
          covering.get(i).add(layer.file);
        } else {
          partial.get(i).add(layer);
        }
      }
    }
    Key[] starts = new Key[slots];
    var stacks = new @Nullable LayerStack[slots];
    KeySlots[] below = size == 1 ? null : new KeySlots[slots];
    for (int i = 0; i < slots; i++) {
      starts[i] = bounds[limits[i]];
      stacks[i] = LayerStack.of(covering.get(i));
      if (below != null) {
        below[i] = node(partial.get(i), limits[i], limits[i + 1], size / KeySlots.USUAL);
      }
    }
    return KeySlots.of(starts, stacks, below);
  }

  private static <T> List<List<T>> lists(int count) {
    var lists = new ArrayList<List<T>>(count);
    for (int i = 0; i < count; i++) {
      lists.add(new ArrayList<>());
    }
    return lists;
  }
}
