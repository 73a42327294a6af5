package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.BlockCache;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.Layer;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HistoricLayersTest {

  private static final LayerFiles FILES = new LayerFiles(new BlockCache(0), 1);
  private static final LayerOwner OWNER = new LayerOwner(new TenantId(0, 1), new TimelineId(0, 2));

  private static HistoricLayer file(LayerName name) {
    Path path = Path.of(name.fileName());
    Layer layer =
        switch (name.kind()) {
          case DELTA -> new DeltaLayer(FILES, path, name, OWNER);
          case IMAGE -> new ImageLayer(FILES, path, name, OWNER);
        };
    return new HistoricLayer(LayerEntry.of(name, 1, 0, LayerEntry.firstLevel(name)), layer);
  }

  private static Key key(int number) {
    // unsigned order: beyond the middle of each field's range, too
    return new Key(0, number % 3 == 0 ? -5 : 7, 1, number * 0x1000_0001, 0, number);
  }

  private static KeyRange range(SplittableRandom random) {
    Key a = key(random.nextInt(100));
    Key b = key(random.nextInt(100));
    int order = a.compareTo(b);
    return order == 0
        ? new KeyRange(a, a.next())
        : order < 0 ? new KeyRange(a, b) : new KeyRange(b, a);
  }

  private static LayerName name(SplittableRandom random) {
    long start = random.nextLong(1000) - (random.nextInt(10) == 0 ? 5000 : 0);
    KeyRange keys = random.nextInt(4) == 0 ? KeyRange.ALL : range(random);
    return random.nextInt(3) == 0
        ? LayerName.image(keys, new Lsn(start))
        : LayerName.delta(
            keys, new LsnRange(new Lsn(start), new Lsn(start + 1 + random.nextInt(50))));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 100, 1000})
  void findsExactlyTheLayersThatMayHoldAKeyNewestFirst(int count) {
    var random = new SplittableRandom(count);
    Set<LayerName> names = new LinkedHashSet<>();
    while (names.size() < count) {
      names.add(name(random));
    }
    HistoricLayers layers =
        HistoricLayers.of(names.stream().map(HistoricLayersTest::file).toList());
    assertThat(layers.size()).isEqualTo(count);
    for (int i = 0; i < 100; i++) {
      Key key = key(random.nextInt(100));
      Lsn end = new Lsn(random.nextLong(1100) - (random.nextInt(10) == 0 ? 5000 : 0));
      List<LayerName> found = new ArrayList<>();
      long before = -1;
      int at = layers.next(0, key.upper(), key.middle(), key.lower(), end.value());
      while (at >= 0) {
        LayerName name = nameOf(layers.layer(at));
        assertThat(layers.end(at)).isEqualTo(name.lsns().end().value());
        assertThat(Long.compareUnsigned(layers.end(at), before)).isLessThanOrEqualTo(0);
        before = layers.end(at);
        found.add(name);
        at = layers.next(at + 1, key.upper(), key.middle(), key.lower(), end.value());
      }
      assertThat(found)
          .containsExactlyInAnyOrderElementsOf(
              names.stream()
                  .filter(name -> name.keys().contains(key))
                  .filter(name -> name.lsns().start().isBefore(end))
                  .toList());
    }
  }

  private static LayerName nameOf(Layer layer) {
    return layer instanceof ImageLayer
        ? LayerName.image(layer.keys(), layer.lsns().start())
        : LayerName.delta(layer.keys(), layer.lsns());
  }

  @Test
  void ofTwoThatEndTogetherAnImageComesFirst() {
    var delta = LayerName.delta(KeyRange.ALL, new LsnRange(new Lsn(10), new Lsn(51)));
    var image = LayerName.image(KeyRange.ALL, new Lsn(50));
    HistoricLayers layers = HistoricLayers.of(List.of(file(delta), file(image)));
    assertThat(layers.layer(0)).isInstanceOf(ImageLayer.class);
  }
}
