package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every kind of layer gives what a sorted set of the same versions gives.
class LayerModelTest {

  private static final int VERSIONS = 3000;

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void memoryLayer(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    SortedSet<Version> versions = LayerFixture.versions(random, VERSIONS, 1000);
    var budget = new MemoryBudget(1 << 30);
    try (var layer = new MemoryLayer(1000, budget)) {
      var arrival = new ArrayList<>(versions);
      arrival.sort((a, b) -> a.lsn().compareTo(b.lsn()));
      arrival.forEach(v -> LayerFixture.put(layer, v));
      attack(layer, versions, random);
      layer.freeze(1L << 60);
      attack(layer, versions, random);
    }
    assertThat(budget.used()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9})
  void deltaLayer(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    SortedSet<Version> versions = LayerFixture.versions(random, VERSIONS, 1000);
    Compression compression =
        switch ((int) seed % 3) {
          case 0 -> Compression.NONE;
          case 1 -> Compression.LZ4;
          default -> Compression.ZSTD;
        };
    Path file = directory.resolve("layer.temp");
    FinishedLayer finished =
        random.nextBoolean()
            ? LayerFixture.delta(file, compression, versions)
            : LayerFixture.smallBlocks(file, compression, versions);
    assertThat(finished.versions()).isEqualTo(VERSIONS);
    long cached = random.nextBoolean() ? 0 : 1 << 24;
    try (var files = new LayerFiles(new BlockCache(cached), 1);
        var layer = LayerFixture.open(files, finished)) {
      layer.verify();
      attack(layer, versions, random);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void imageLayer(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    var lsn = new Lsn(77);
    var images = new ArrayList<Version>();
    for (Version v : LayerFixture.versions(random, 1500, 1)) {
      if (images.isEmpty() || !images.getLast().key().equals(v.key())) {
        images.add(new Version(v.key(), lsn, true, true, v.bytes()));
      }
    }
    Path file = directory.resolve("layer.temp");
    FinishedLayer finished;
    try (var writer = new ImageLayerWriter(file, LayerFixture.OWNER, lsn, Compression.ZSTD)) {
      for (Version v : images) {
        Key key = v.key();
        writer.add(
            key.upper(), key.middle(), key.lower(), v.bytes().segment(), 0, v.bytes().length());
      }
      finished = writer.finish();
    }
    try (var files = new LayerFiles(new BlockCache(1 << 24), 1);
        var layer = new ImageLayer(files, file, finished.name(), LayerFixture.OWNER)) {
      layer.verify();
      attack(layer, images, random);
    }
  }

  private static void attack(Layer layer, Collection<Version> versions, SplittableRandom random)
      throws IOException {
    var list = List.copyOf(versions);
    assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(list);
    for (int i = 0; i < 100; i++) {
      Version some = list.get(random.nextInt(list.size()));
      Version other = list.get(random.nextInt(list.size()));
      Key key = random.nextInt(5) == 0 ? some.key().next() : some.key();
      Lsn a = random.nextInt(3) == 0 ? Lsn.ZERO : some.lsn();
      Lsn b = random.nextInt(3) == 0 ? Lsn.MAX : other.lsn().plus(random.nextInt(2));
      int most = random.nextBoolean() ? 1 : 1 + random.nextInt(1000);
      assertThat(LayerFixture.find(layer, key, a, b, most))
          .as("%s from %s to %s", key, a, b)
          .isEqualTo(LayerFixture.expected(list, key, a, b, most));
      if (some.key().compareTo(other.key()) < 0) {
        var range = new KeyRange(some.key(), other.key());
        assertThat(LayerFixture.walk(layer, range))
            .isEqualTo(list.stream().filter(v -> range.contains(v.key())).toList());
      }
    }
  }
}
