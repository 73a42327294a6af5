package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.LayerCursor;
import dev.varve.model.Key;
import dev.varve.timeline.WrittenLayers.Version;
import dev.varve.timeline.WrittenLayers.Versions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Walks over random layers side by side, compared with one sorted map.
class MergeSourcesTest {

  private static final Version IMAGE =
      new Version(true, true, MemorySegment.ofArray(new byte[] {1}));
  private static final Version CHANGE =
      new Version(false, false, MemorySegment.ofArray(new byte[] {0}));

  @TempDir Path folder;

  private static Key key(int number) {
    // unsigned order, too
    return new Key(0, number % 3 == 0 ? -5 : 7, 1, number * 0x1000_0001, 0, number);
  }

  private static String line(Key key, long lsn, boolean image) {
    return key + " " + lsn + " " + (image ? "image" : "change");
  }

  private static List<String> walk(List<HistoricLayer> layers) throws IOException {
    var found = new ArrayList<String>();
    try (var sources = new MergeSources(layers, Set.copyOf(layers))) {
      while (sources.next()) {
        LayerCursor at = sources.cursor();
        Key key = Key.of(at.upper(), at.middle(), at.lower());
        assertThat(at.bytes().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) (at.image() ? 1 : 0));
        found.add(line(key, at.lsn(), at.image()));
      }
      assertThat(sources.opened()).containsExactlyInAnyOrderElementsOf(layers);
      assertThat(sources.activeReasons()).isZero();
    }
    return found;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void showsEachVersionThatCountsOnceInOrder(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var written = new WrittenLayers(folder);
    var layers = new ArrayList<HistoricLayer>();
    var expected = new TreeMap<Key, TreeMap<Long, Boolean>>();
    int count = 1 + random.nextInt(20);
    for (int i = 0; i < count; i++) {
      var versions = new Versions();
      int first = random.nextInt(80);
      for (int j = 1 + random.nextInt(30); j > 0; j--) {
        long lsn = 1L + random.nextInt(40) - (random.nextInt(8) == 0 ? 100 : 0);
        versions.put(key(first + random.nextInt(20)), lsn, random.nextBoolean() ? IMAGE : CHANGE);
      }
      HistoricLayer layer = written.write(versions, 1);
      if (random.nextInt(3) == 0) {
        Key from = key(first + random.nextInt(20));
        if (layer.keys().contains(from)) {
          layer = new HistoricLayer(layer.entry().withFrom(from), layer.layer());
        }
      }
      layers.add(layer);
      for (var of : versions.tailMap(layer.keys().start()).entrySet()) {
        var all = expected.computeIfAbsent(of.getKey(), _ -> new TreeMap<>(Long::compareUnsigned));
        // of two with one LSN the image is shown
        of.getValue()
            .forEach((lsn, version) -> all.merge(lsn, version.image(), Boolean::logicalOr));
      }
    }
    var lines = new ArrayList<String>();
    expected.forEach((key, of) -> of.forEach((lsn, image) -> lines.add(line(key, lsn, image))));
    assertThat(walk(layers)).isEqualTo(lines);
  }

  @Test
  void opensALayerWhenItComesToItsKeys() throws IOException {
    var written = new WrittenLayers(folder);
    var layers = new ArrayList<HistoricLayer>();
    for (int i = 0; i < 10; i++) {
      var versions = new Versions();
      versions.put(new Key(0, 0, 0, 1, 0, 2 * i), 5, IMAGE);
      versions.put(new Key(0, 0, 0, 1, 0, 2 * i + 1), 5, IMAGE);
      layers.add(written.write(versions, 1));
    }
    try (var sources = new MergeSources(layers, Set.copyOf(layers))) {
      for (int i = 0; i < 20; i++) {
        assertThat(sources.next()).isTrue();
        assertThat(sources.opened()).hasSize(i / 2 + 1);
        assertThat(sources.activeReasons()).isEqualTo(1);
      }
      assertThat(sources.next()).isFalse();
    }
    assertThat(walk(List.of())).isEmpty();
  }
}
