package dev.varve.timeline;

import dev.varve.layer.Layer;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Says what is to be merged next, from the layers that there are:
///
/// 1. when enough flushed layers lie there, they become level 1, parted by keys: from then on a
///    read looks at one file of many;
/// 2. when the layers with history before the GC cutoff come to a share of what is at the bottom
///    already, history is dropped, slice by slice from the lowest key on;
/// 3. where enough layers of one level lie over each other, they become one of the next level.
///
/// So a key lies in a bounded number of layers of each level, there are few levels, and each byte
/// is written about once a level.
final class CompactionPolicy {

  private final CompactionSettings settings;
  private final List<HistoricLayer> layers;

  /// Where the drop of history goes on; null: it waits for enough to have come together.
  private final @Nullable Key sweep;

  /// @param layers all files of the timeline that can be read
  /// @param sweep where the drop of history has come to; null: none goes on
  CompactionPolicy(CompactionSettings settings, List<HistoricLayer> layers, @Nullable Key sweep) {
    this.settings = settings;
    this.layers = layers;
    this.sweep = sweep;
  }

  /// @param upTo layers with versions up to here are merged even where there are not enough of them
  /// @return null: there are not enough of them
  @Nullable MergePlan flushed(Lsn upTo) {
    List<HistoricLayer> flushed =
        new ArrayList<>(layers.stream().filter(CompactionPolicy::isFlushed).toList());
    flushed.sort(Comparator.comparing(file -> file.layer().lsns().start()));
    boolean atOnce = !flushed.isEmpty() && !flushed.getFirst().lsns().start().isAfter(upTo);
    if (flushed.size() < settings.flushedLayers() && !atOnce) {
      return null;
    }
    // Those that came in while merging was late, too, but not without limit.
    int most = 4 * settings.flushedLayers();
    return new MergePlan(
        flushed.subList(0, Math.min(most, flushed.size())),
        1,
        Set.of(),
        Key.MAX,
        0,
        settings.layerBytes(),
        Long.MAX_VALUE,
        null);
  }

  static boolean isFlushed(HistoricLayer file) {
    return file.entry().level() == 0;
  }

  /// Where enough layers of a level lie over each other.
  @Nullable MergePlan stacked() {
    for (int level = 1; level < LayerEntry.BOTTOM - 1; level++) {
      List<HistoricLayer> same = ofLevel(level);
      if (same.size() >= settings.depth()) {
        MergePlan plan = stacked(same, level);
        if (plan != null) {
          return plan;
        }
      }
    }
    return null;
  }

  /// How many layers more than there should be lie over each other, of a level above 0.
  int excess() {
    int most = 0;
    for (int level = 1; level < LayerEntry.BOTTOM - 1; level++) {
      List<HistoricLayer> same = ofLevel(level);
      if (same.size() > settings.depth() + most) {
        for (HistoricLayers.Depth depth : HistoricLayers.depths(same)) {
          most = Math.max(most, depth.layers() - settings.depth());
        }
      }
    }
    return most;
  }

  private List<HistoricLayer> ofLevel(int level) {
    return layers.stream()
        .filter(file -> file.entry().level() == level)
        .filter(file -> !isFullOfOneKey(file))
        .toList();
  }

  private @Nullable MergePlan stacked(List<HistoricLayer> same, int level) {
    Key deep = firstDeep(same);
    if (deep == null) {
      return null;
    }
    Key start =
        same.stream()
            .filter(file -> file.keys().contains(deep))
            .map(file -> file.keys().start())
            .min(Comparator.naturalOrder())
            .orElse(deep);
    List<HistoricLayer> inputs =
        same.stream().filter(file -> file.keys().start().compareTo(start) >= 0).toList();
    return new MergePlan(
        inputs,
        level + 1,
        Set.copyOf(inputs),
        deep,
        Math.max(2, settings.depth() / 2),
        settings.layerBytes(),
        settings.sliceBytes(),
        null);
  }

  /// Many such files over each other would only be written again, as many, level by level.
  private boolean isFullOfOneKey(HistoricLayer file) {
    return file.entry().bytes() >= settings.layerBytes()
        && file.keys().start().next().equals(file.keys().end());
  }

  /// The first key that so many of the layers have in their ranges.
  private @Nullable Key firstDeep(List<HistoricLayer> same) {
    for (HistoricLayers.Depth depth : HistoricLayers.depths(same)) {
      if (depth.layers() >= settings.depth()) {
        return depth.keys().start();
      }
    }
    return null;
  }

  /// The highest LSN up to which all versions are in merged layers, at most the cutoff.
  Lsn bottomCutoff(Lsn cutoff) {
    Lsn end = cutoff;
    for (HistoricLayer file : layers) {
      if (isFlushed(file) && !file.layer().lsns().start().isAfter(end)) {
        end = new Lsn(file.layer().lsns().start().value() - 1);
      }
    }
    return end;
  }

  /// What to drop next.
  ///
  /// @param retention up to {@link #bottomCutoff}
  @Nullable MergePlan history(MergePlan.Retention retention, boolean atOnce) {
    long end = PageReader.endAfter(retention.cutoff().value());
    List<HistoricLayer> inputs =
        layers.stream()
            .filter(file -> !isFlushed(file))
            .filter(file -> Long.compareUnsigned(file.layer().lsns().start().value(), end) < 0)
            .toList();
    // Layers that go on beyond the cutoff are only worth while when everything has to be merged.
    long oldEnd = atOnce ? -1 : end;
    List<HistoricLayer> old =
        inputs.stream()
            .filter(file -> isOld(file, oldEnd))
            .filter(file -> sweep == null || file.keys().end().compareTo(sweep) > 0)
            .toList();
    if (old.isEmpty() || (sweep == null && !atOnce && !isEnough(inputs, old))) {
      return null;
    }
    Key first = old.stream().map(file -> file.keys().start()).min(Comparator.naturalOrder()).get();
    Key start = closedStart(inputs, first);
    return new MergePlan(
        inputs.stream().filter(file -> file.keys().start().compareTo(start) >= 0).toList(),
        LayerEntry.BOTTOM,
        Set.copyOf(old),
        first,
        1,
        settings.layerBytes(),
        settings.sliceBytes(),
        retention);
  }

  private static boolean isOld(HistoricLayer file, long end) {
    Layer layer = file.layer();
    return file.entry().level() < LayerEntry.BOTTOM
        && Long.compareUnsigned(layer.lsns().end().value(), end) <= 0;
  }

  private boolean isEnough(List<HistoricLayer> inputs, List<HistoricLayer> old) {
    long above = old.stream().mapToLong(file -> file.entry().bytes()).sum();
    long bottom =
        inputs.stream()
            .filter(file -> file.entry().level() == LayerEntry.BOTTOM)
            .mapToLong(file -> file.entry().bytes())
            .sum();
    return above >= settings.bottomLeast() && above >= settings.bottomShare() * bottom;
  }

  /// The last key at or before `first` at which no input goes on from a lower key.
  private static Key closedStart(List<HistoricLayer> inputs, Key first) {
    Key start = first;
    boolean moved = true;
    while (moved) {
      moved = false;
      for (HistoricLayer file : inputs) {
        if (file.keys().start().compareTo(start) < 0 && file.keys().end().compareTo(start) > 0) {
          start = file.keys().start();
          moved = true;
        }
      }
    }
    return start;
  }
}
