package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.layer.BlockCache;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.Layer;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerKind;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.generation.Generation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HistoricLayersTest {

  private static final LayerFiles FILES = new LayerFiles(new BlockCache(0), 1);
  private static final LayerOwner OWNER = new LayerOwner(new TenantId(0, 1), new TimelineId(0, 2));

  private static HistoricLayer file(LayerName name) {
    return file(LayerEntry.of(name, 1, 0, LayerEntry.firstLevel(name), Generation.NONE));
  }

  private static HistoricLayer file(LayerEntry entry) {
    LayerName name = entry.name();
    Path path = Path.of(name.fileName());
    Layer layer =
        switch (name.kind()) {
          case DELTA -> new DeltaLayer(FILES, path, name, OWNER);
          case IMAGE -> new ImageLayer(FILES, path, name, OWNER);
        };
    return new HistoricLayer(entry, layer);
  }

  /// Random layers over so many different keys.
  private record Layers(SplittableRandom random, int keys) {

    Key key() {
      return key(random.nextInt(keys));
    }

    private static Key key(int number) {
      // unsigned order: beyond the middle of each field's range, too
      return new Key(0, number % 3 == 0 ? -5 : 7, 1, number * 0x1000_0001, 0, number);
    }

    KeyRange range() {
      return switch (random.nextInt(16)) {
        case 0, 1, 2 -> KeyRange.ALL;
        case 3 -> new KeyRange(Key.MIN, key());
        case 4 -> new KeyRange(key(), Key.MAX);
        default -> {
          Key a = key();
          Key b = key();
          int order = a.compareTo(b);
          yield order == 0 ? new KeyRange(a, a.next()) : new KeyRange(min(a, b), max(a, b));
        }
      };
    }

    private static Key min(Key a, Key b) {
      return a.compareTo(b) < 0 ? a : b;
    }

    private static Key max(Key a, Key b) {
      return a.compareTo(b) < 0 ? b : a;
    }

    private LayerName name() {
      long start = random.nextLong(1000) - (random.nextInt(10) == 0 ? 5000 : 0);
      int length = 1 + random.nextInt(random.nextInt(8) == 0 ? 900 : 50);
      return random.nextInt(3) == 0
          ? LayerName.image(range(), new Lsn(start))
          : LayerName.delta(range(), new LsnRange(new Lsn(start), new Lsn(start + length)));
    }

    HistoricLayer file() {
      LayerName name = name();
      LayerEntry entry =
          LayerEntry.of(name, random.nextInt(100), 0, random.nextInt(3), Generation.NONE);
      Key from = key();
      return HistoricLayersTest.file(
          name.keys().contains(from) && random.nextInt(4) == 0 ? entry.withFrom(from) : entry);
    }

    Lsn end() {
      return new Lsn(random.nextLong(1100) - (random.nextInt(10) == 0 ? 5000 : 0));
    }

    /// So many, none twice.
    Map<LayerName, HistoricLayer> files(int count) {
      var files = new LinkedHashMap<LayerName, HistoricLayer>();
      while (files.size() < count) {
        HistoricLayer file = file();
        files.putIfAbsent(file.entry().name(), file);
      }
      return files;
    }
  }

  private static List<HistoricLayer> search(
      LayerSearch search, HistoricLayers layers, Key key, Lsn end) {
    var found = new ArrayList<HistoricLayer>();
    search.start(layers, key.upper(), key.middle(), key.lower(), end.value());
    while (search.next()) {
      assertThat(search.end()).isEqualTo(search.file().lsns().end().value());
      found.add(search.file());
    }
    assertThat(search.next()).isFalse();
    return found;
  }

  /// Compares with a plain list, in the order of reading.
  private static void check(
      HistoricLayers layers, Collection<HistoricLayer> model, Layers random, int searches) {
    assertThat(layers.size()).isEqualTo(model.size());
    assertThat(layers.bytes())
        .isEqualTo(model.stream().mapToLong(file -> file.entry().bytes()).sum());
    var all = new ArrayList<HistoricLayer>();
    layers.forEach(all::add);
    assertThat(all).containsExactlyInAnyOrderElementsOf(model);
    var search = new LayerSearch();
    Lsn end = random.end();
    for (int i = 0; i < searches; i++) {
      Key key = random.random.nextInt(10) == 0 ? Key.MIN : random.key();
      end = random.random.nextBoolean() ? end : random.end();
      Lsn below = end;
      assertThat(search(search, layers, key, below))
          .containsExactlyElementsOf(
              model.stream()
                  .filter(file -> file.keys().contains(key))
                  .filter(file -> file.lsns().start().isBefore(below))
                  .sorted(LayerStack.NEWEST_FIRST)
                  .toList());
      if (random.random.nextInt(20) == 0) {
        search.clear();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 100, 1000, 5000})
  void findsExactlyTheLayersThatMayHoldAKeyNewestFirst(int count) {
    var random = new Layers(new SplittableRandom(count), 20 + count);
    Collection<HistoricLayer> files = random.files(count).values();
    check(HistoricLayers.of(files), files, random, 100);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6})
  void changesInAnyOrderLeaveWhatWasBefore(int seed) {
    var random = new Layers(new SplittableRandom(seed), seed % 2 == 0 ? 10 : 3000);
    Map<LayerName, HistoricLayer> model = random.files(seed * 40);
    HistoricLayers layers = HistoricLayers.of(model.values());
    var kept = new LinkedHashMap<HistoricLayers, List<HistoricLayer>>();
    for (int step = 0; step < 600; step++) {
      boolean growing = step / 150 % 2 == 0;
      var gone = new ArrayList<HistoricLayer>();
      for (int i = random.random.nextInt(growing ? 2 : 6); i > 0 && !model.isEmpty(); i--) {
        var names = List.copyOf(model.keySet());
        gone.add(model.remove(names.get(random.random.nextInt(names.size()))));
      }
      var more = new LinkedHashMap<LayerName, HistoricLayer>();
      random.files(random.random.nextInt(growing ? 6 : 2)).forEach(more::put);
      more.keySet().removeAll(model.keySet());
      model.putAll(more);
      layers = layers.changed(more.values(), gone);
      if (step % 50 == 0) {
        kept.put(layers, List.copyOf(model.values()));
        check(layers, model.values(), random, 20);
      }
    }
    kept.forEach((before, files) -> check(before, files, random, 20));
    HistoricLayers none = layers;
    for (HistoricLayer file : model.values()) {
      none = none.changed(List.of(), List.of(file));
    }
    check(none, List.of(), random, 3);
  }

  @Test
  void keysThatNoLayerBeginsAtAnyMoreDoNotPileUp() {
    var random = new Layers(new SplittableRandom(1), 10);
    HistoricLayers layers = HistoricLayers.of(random.files(20).values());
    for (int i = 0; i < 20_000; i++) {
      KeyRange keys = new KeyRange(new Key(1, 0, 0, 0, 0, i), new Key(1, 0, 0, 0, 0, i + 1));
      HistoricLayer file = file(LayerName.image(keys, new Lsn(1)));
      layers = layers.changed(List.of(file), List.of()).changed(List.of(), List.of(file));
    }
    assertThat(layers.slots()).isLessThan(2000);
  }

  @Test
  void theSameFileMayCountForFewerKeys() {
    HistoricLayer all = file(LayerName.delta(KeyRange.ALL, new LsnRange(new Lsn(10), new Lsn(20))));
    Key from = new Key(0, 1, 2, 3, 0, 4);
    var less = new HistoricLayer(all.entry().withFrom(from), all.layer());
    HistoricLayers layers = HistoricLayers.of(List.of(all)).changed(List.of(less), List.of(all));
    var search = new LayerSearch();
    assertThat(search(search, layers, from, Lsn.MAX)).containsExactly(less);
    assertThat(search(search, layers, new Key(0, 1, 2, 3, 0, 3), Lsn.MAX)).isEmpty();
    assertThatThrownBy(() -> layers.changed(List.of(), List.of(all)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void ofTwoThatEndTogetherAnImageComesFirst() {
    HistoricLayer delta =
        file(LayerName.delta(KeyRange.ALL, new LsnRange(new Lsn(10), new Lsn(51))));
    HistoricLayer image =
        file(LayerName.image(new KeyRange(Key.MIN, new Key(9, 0, 0, 0, 0, 0)), new Lsn(50)));
    HistoricLayers layers = HistoricLayers.of(List.of(delta, image));
    assertThat(search(new LayerSearch(), layers, Key.MIN, Lsn.MAX)).containsExactly(image, delta);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 10, 300})
  void knowsWhatOverlapsAndHowDeep(int count) {
    var random = new Layers(new SplittableRandom(count), 100);
    Collection<HistoricLayer> files = random.files(count).values();
    HistoricLayers layers = HistoricLayers.of(files);
    for (int i = 0; i < 50; i++) {
      KeyRange keys = random.range();
      assertThat(layers.overlapping(keys))
          .containsExactlyElementsOf(
              files.stream()
                  .filter(file -> file.keys().overlaps(keys))
                  .sorted(LayerStack.NEWEST_FIRST)
                  .toList());
    }
    List<HistoricLayers.Depth> depths =
        layers.depths(entry -> entry.level() == 1 && entry.name().kind() == LayerKind.DELTA);
    for (int i = 1; i < depths.size(); i++) {
      HistoricLayers.Depth before = depths.get(i - 1);
      int order = before.keys().end().compareTo(depths.get(i).keys().start());
      assertThat(order).isLessThanOrEqualTo(0);
      assertThat(order == 0 && before.layers() == depths.get(i).layers()).isFalse();
    }
    for (int i = 0; i < 100; i++) {
      Key key = Layers.key(i);
      long expected =
          files.stream()
              .filter(file -> file.entry().level() == 1 && file.kind() == LayerKind.DELTA)
              .filter(file -> file.keys().contains(key))
              .count();
      int depth =
          depths.stream()
              .filter(at -> at.keys().contains(key))
              .mapToInt(HistoricLayers.Depth::layers)
              .sum();
      assertThat(depth).isEqualTo((int) expected);
    }
  }
}
