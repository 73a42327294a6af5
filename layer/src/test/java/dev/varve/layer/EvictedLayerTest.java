package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Layers whose file is not here give what they gave when it was.
@Timeout(120)
class EvictedLayerTest {

  private static final int PAGE = 8192;
  private static final int MANY = 120_000;
  private static final VersionSink FIRST = (_, _, _, _) -> true;

  @TempDir private Path directory;
  private StoredLayers store;

  @BeforeEach
  void makeStore() throws IOException {
    store = new StoredLayers(directory.resolve("store"));
  }

  private LayerFiles files(long cache) {
    return new LayerFiles(new BlockCache(cache), 4, InstantSource.system(), store);
  }

  private DeltaLayer evicted(LayerFiles files, RemoteLayer object) {
    return new DeltaLayer(files, directory.resolve("no such file"), object);
  }

  private FinishedLayer smallBlocks(List<Version> versions) throws IOException {
    return LayerFixture.smallBlocks(directory.resolve("layer"), Compression.LZ4, versions);
  }

  /// More than a dozen parts, about 14 MB; every tenth key has eleven versions.
  private FinishedLayer large() throws IOException {
    var random = new SplittableRandom(5);
    byte[] bytes = new byte[100];
    try (var writer =
        new DeltaLayerWriter(directory.resolve("large"), LayerFixture.OWNER, Compression.LZ4)) {
      for (int i = 0; i < MANY; i++) {
        for (int lsn = 1; lsn <= (i % 10 == 0 ? 11 : 1); lsn++) {
          random.nextBytes(bytes);
          writer.add(0, 0, i, lsn, lsn == 1, lsn == 1, MemorySegment.ofArray(bytes), 0, 100);
        }
      }
      return writer.finish();
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "2, 1000000", "3, 20000000"})
  void aDeltaLayerGivesTheSame(long seed, long cache) throws IOException {
    var random = new SplittableRandom(seed);
    var versions = List.copyOf(LayerFixture.versions(random, 600, 1));
    RemoteLayer object = store.put(smallBlocks(versions));
    List<Key> keys = versions.stream().map(Version::key).distinct().toList();
    try (var files = files(cache);
        var layer = evicted(files, object)) {
      for (int i = 0; i < 600; i++) {
        Key key = keys.get(random.nextInt(keys.size()));
        key = random.nextInt(5) == 0 ? key.next() : key;
        var floor = new Lsn(random.nextInt(150));
        var end = random.nextBoolean() ? Lsn.MAX : new Lsn(100 + random.nextLong(1L << 40));
        int most = 1 + random.nextInt(9);
        assertThat(LayerFixture.find(layer, key, floor, end, most))
            .isEqualTo(LayerFixture.expected(versions, key, floor, end, most));
      }
      assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(versions);
      var some = new KeyRange(keys.get(keys.size() / 3), keys.get(keys.size() / 2));
      assertThat(LayerFixture.walk(layer, some))
          .isEqualTo(versions.stream().filter(v -> some.contains(v.key())).toList());
      layer.verify();
      assertThat(files.rangesRead()).isEqualTo(store.calls.get()).isPositive();
      assertThat(files.rangeBytesRead()).isEqualTo(store.bytes.get());
      assertThat(files.reads()).isZero();
    }
  }

  @Test
  void anImageLayerGivesTheSame() throws IOException {
    FinishedLayer finished;
    try (var writer =
        new ImageLayerWriter(
            directory.resolve("images"), LayerFixture.OWNER, new Lsn(9), Compression.LZ4)) {
      for (int i = 0; i < 900; i++) {
        writer.add(0, 0, i, MemorySegment.ofArray(page(i)), 0, PAGE);
      }
      finished = writer.finish();
    }
    RemoteLayer object = store.put(finished);
    var random = new SplittableRandom(3);
    for (int round = 0; round < 20; round++) {
      int block = random.nextInt(900);
      try (var files = files(1 << 24);
          var layer = new ImageLayer(files, directory.resolve("none"), object)) {
        store.reset();
        var found = LayerFixture.find(layer, Key.of(0, 0, block), Lsn.ZERO, Lsn.MAX, 1);
        assertThat(found.getFirst().bytes()).isEqualTo(new Version.ByteString(page(block)));
        assertThat(store.calls.get()).isLessThanOrEqualTo(3);
        assertThat(store.bytes.get()).isLessThan(200_000);
      }
    }
    try (var files = files(1 << 24);
        var layer = new ImageLayer(files, directory.resolve("none"), object)) {
      assertThat(LayerFixture.walk(layer, KeyRange.ALL)).hasSize(900);
      // of 4 parts a leaf each, their data in ranges that grow to 1 MiB, and the end
      assertThat(store.calls.get()).isLessThan(60 + 3 + 4 + 12);
    }
  }

  private static byte[] page(int block) {
    byte[] page = new byte[PAGE];
    new java.util.Random(block).nextBytes(page);
    return page;
  }

  @Test
  void aReadTakesThreeRangesAndFewBytes() throws IOException {
    RemoteLayer object = store.put(large());
    var random = new SplittableRandom(4);
    for (int round = 0; round < 50; round++) {
      try (var files = files(1 << 24);
          var layer = evicted(files, object)) {
        Key key = Key.of(0, 0, round < 20 ? random.nextInt(MANY / 10) * 10L : random.nextInt(MANY));
        store.reset();
        int versions = key.lower() % 10 == 0 ? 11 : 1;
        assertThat(LayerFixture.find(layer, key, Lsn.ZERO, Lsn.MAX, 99)).hasSize(versions);
        assertThat(store.calls.get()).as("%s", key).isLessThanOrEqualTo(3);
        assertThat(store.bytes.get()).isLessThan(1 << 18);
        int calls = store.calls.get();
        assertThat(LayerFixture.find(layer, key, Lsn.ZERO, Lsn.MAX, 99)).hasSize(versions);
        assertThat(store.calls.get()).isEqualTo(calls);
      }
    }
  }

  @Test
  void manyVersionsOfOneKeyAreReadTogether() throws IOException {
    var versions = new ArrayList<Version>();
    byte[] bytes = new byte[1000];
    var random = new SplittableRandom(6);
    for (int lsn = 1; lsn < 200; lsn++) {
      random.nextBytes(bytes);
      var copy = new Version.ByteString(bytes.clone());
      versions.add(new Version(Key.of(0, 0, 7), new Lsn(lsn), lsn == 1, lsn == 1, copy));
    }
    RemoteLayer object =
        store.put(LayerFixture.delta(directory.resolve("chain"), Compression.NONE, versions));
    try (var files = files(1 << 24);
        var layer = evicted(files, object)) {
      assertThat(LayerFixture.find(layer, Key.of(0, 0, 7), Lsn.ZERO, Lsn.MAX, 999)).hasSize(199);
      assertThat(store.calls.get()).isBetween(3, 6); // 200 kB, 64 KiB at once
      assertThat(store.bytes.get()).isLessThan(300_000);
    }
  }

  @Test
  void aWalkReadsAheadInLongRanges() throws IOException {
    FinishedLayer large = large();
    RemoteLayer object = store.put(large);
    try (var files = files(1 << 20);
        var layer = evicted(files, object)) {
      layer.verify();
      assertThat(store.bytes.get()).isLessThan(large.size() * 5 / 4);
      assertThat(store.calls.get()).isLessThan(100);
      store.reset();
      var two = new KeyRange(Key.of(0, 0, 70_001), Key.of(0, 0, 70_003));
      assertThat(LayerFixture.walk(layer, two)).hasSize(2);
      assertThat(store.bytes.get()).isLessThan(100_000);
    }
  }

  @Test
  void aBatchTakesNeighboursAlong() throws IOException {
    RemoteLayer object = store.put(large());
    try (var files = files(1 << 24);
        var layer = evicted(files, object)) {
      var ahead = new ReadAhead();
      ahead.readOnTo(0, 0, 32_000);
      for (int i = 31_000; i < 32_000; i++) {
        layer.find(0, 0, i, 0, 99, aheadSink(ahead));
      }
      assertThat(store.calls.get()).isLessThan(10);
    }
  }

  private static VersionSink aheadSink(ReadAhead ahead) {
    return new VersionSink() {
      @Override
      public boolean add(long lsn, boolean image, boolean initializes, MemorySegment bytes) {
        return true;
      }

      @Override
      public ReadAhead ahead() {
        return ahead;
      }
    };
  }

  @Test
  void prefetchingLeavesNothingToFetch() throws IOException {
    RemoteLayer object = store.put(large());
    try (var files = files(1 << 24);
        var layer = evicted(files, object)) {
      assertThat(layer.isFetchNeeded(0, 0, MANY, 0, -1)).isFalse(); // not in the range of keys
      var random = new SplittableRandom(9);
      for (int i = 0; i < 100; i++) {
        int key = random.nextInt(MANY);
        if (layer.isFetchNeeded(0, 0, key, 0, -1)) {
          layer.prefetch(0, 0, key, 0, -1, null);
        }
        assertThat(layer.isFetchNeeded(0, 0, key, 0, -1)).isFalse();
        int calls = store.calls.get();
        assertThat(layer.find(0, 0, key, 0, -1, FIRST)).isTrue();
        assertThat(store.calls.get()).isEqualTo(calls);
      }
      store.reset();
      assertThat(layer.find(0, 1, 5, 0, -1, FIRST)).isFalse();
      assertThat(store.calls.get()).isZero();
    }
  }

  @Test
  void readersOfTheSameRangeShareIt() throws Exception {
    RemoteLayer object = store.put(large());
    store.delayMillis = 100;
    int readers = 30;
    try (var files = files(1 << 24);
        var layer = evicted(files, object);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var start = new CyclicBarrier(readers);
      var found = new ArrayList<Future<Boolean>>();
      for (int i = 0; i < readers; i++) {
        found.add(
            threads.submit(() -> {
              start.await();
              return layer.find(0, 0, 77_777, 0, -1, FIRST);
            }));
      }
      for (Future<Boolean> each : found) {
        assertThat(each.get()).isTrue();
      }
      assertThat(store.calls.get()).isEqualTo(3);
    }
  }

  @Test
  void whoJoinedAReaderThatIsInterruptedGoesOn() throws Exception {
    RemoteLayer object = store.put(large());
    store.hold();
    try (var files = files(1 << 24);
        var layer = evicted(files, object);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Boolean> first = threads.submit(() -> layer.find(0, 0, 5, 0, -1, FIRST));
      store.awaitCalls(1);
      Future<Boolean> second = threads.submit(() -> layer.find(0, 0, 5, 0, -1, FIRST));
      store.awaitJoined(1);
      first.cancel(true);
      store.awaitCalls(2);
      store.release();
      assertThat(second.get()).isTrue();
      assertThat(store.calls.get()).isEqualTo(4);
    }
  }

  @Test
  void aRangeThatCannotBeReadIsAnErrorAndTheNextReadIsRight() throws IOException {
    RemoteLayer object = store.put(large());
    for (int failing = 0; failing < 3; failing++) {
      try (var files = files(1 << 24);
          var layer = evicted(files, object)) {
        store.reset();
        store.failing = failing;
        assertThatThrownBy(() -> layer.find(0, 0, 5, 0, -1, FIRST))
            .isInstanceOf(UnreachableLayerException.class)
            .hasMessage("object " + store.nameOf(object) + " can't be read: injected");
        assertThat(layer.find(0, 0, 5, 0, -1, FIRST)).isTrue();
        assertThat(store.calls.get()).isEqualTo(4);
      }
    }
  }

  @Test
  void whoJoinedAReaderThatFailsIsToldSo() throws Exception {
    RemoteLayer object = store.put(large());
    store.hold();
    store.failing = 0;
    try (var files = files(1 << 24);
        var layer = evicted(files, object);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Boolean> first = threads.submit(() -> layer.find(0, 0, 5, 0, -1, FIRST));
      store.awaitCalls(1);
      Future<Boolean> second = threads.submit(() -> layer.find(0, 0, 5, 0, -1, FIRST));
      store.awaitJoined(1);
      store.release();
      for (Future<Boolean> each : List.of(first, second)) {
        assertThatThrownBy(each::get)
            .hasCauseInstanceOf(UnreachableLayerException.class)
            .hasMessageContaining(store.nameOf(object) + " can't be read: injected");
      }
      assertThat(store.calls.get()).isEqualTo(1);
    }
  }

  @Test
  void damageAnywhereIsAnErrorThatNamesTheObject() throws IOException {
    var versions = List.copyOf(LayerFixture.versions(new SplittableRandom(2), 120, 1));
    RemoteLayer object = store.put(smallBlocks(versions));
    byte[] bytes = Files.readAllBytes(store.path(object));
    var random = new SplittableRandom(7);
    int found = 0;
    for (int i = 0; i < 400; i++) {
      int at =
          i < LayerFooter.BYTES
              ? bytes.length - 1 - i
              : LayerHeader.BYTES + random.nextInt(bytes.length - LayerHeader.BYTES);
      byte[] damaged = bytes.clone();
      damaged[at] ^= (byte) (1 << random.nextInt(8));
      Files.write(store.path(object), damaged);
      try (var files = files(1 << 24);
          var layer = evicted(files, object)) {
        assertThatThrownBy(layer::verify)
            .as("byte %d", at)
            .isInstanceOf(CorruptObjectException.class)
            .hasMessageStartingWith("object " + store.nameOf(object) + " is damaged at byte ");
        for (Key key : versions.stream().map(Version::key).distinct().toList()) {
          try {
            assertThat(LayerFixture.find(layer, key, Lsn.ZERO, Lsn.MAX, 9999))
                .isEqualTo(LayerFixture.expected(versions, key, Lsn.ZERO, Lsn.MAX, 9999));
          } catch (CorruptObjectException e) {
            found++;
          }
        }
      }
    }
    assertThat(found).isPositive();
  }

  @Test
  void anObjectOfAnotherTimelineIsNoticed() throws IOException {
    var other = new LayerOwner(new TenantId(1, 2), new TimelineId(3, 5));
    RemoteLayer object = store.put(large(), other);
    try (var files = files(1 << 24);
        var layer = evicted(files, object)) {
      assertThatThrownBy(() -> layer.find(0, 0, 5, 0, -1, FIRST))
          .isInstanceOf(CorruptObjectException.class)
          .hasMessageContaining("header and footer are of different files");
    }
  }

  @Test
  void anObjectOfAnotherSizeIsNoticed() throws IOException {
    RemoteLayer object = store.put(large());
    var longer =
        new RemoteLayer(object.owner(), object.name(), object.generation(), object.bytes() + 1);
    try (var files = files(1 << 24);
        var layer = evicted(files, longer)) {
      assertThatThrownBy(() -> layer.find(0, 0, 5, 0, -1, FIRST))
          .isInstanceOf(UnreachableLayerException.class);
      Files.write(store.path(object), new byte[1], java.nio.file.StandardOpenOption.APPEND);
      assertThatThrownBy(() -> layer.find(0, 0, 5, 0, -1, FIRST))
          .isInstanceOf(CorruptObjectException.class);
    }
  }

  @Test
  void withoutObjectStorageItSaysSo() throws IOException {
    RemoteLayer object = store.put(large());
    try (var files = new LayerFiles(new BlockCache(1 << 20), 1);
        var layer = evicted(files, object)) {
      assertThatThrownBy(() -> layer.find(0, 0, 5, 0, -1, FIRST))
          .isInstanceOf(UnreachableLayerException.class)
          .hasMessageContaining("no object storage is configured");
    }
  }
}
