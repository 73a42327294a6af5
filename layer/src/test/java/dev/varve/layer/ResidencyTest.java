package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Files go and come while they are read.
@Timeout(120)
class ResidencyTest {

  @TempDir private Path directory;
  private final List<Version> versions =
      List.copyOf(LayerFixture.versions(new SplittableRandom(11), 400, 1));
  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
  private StoredLayers store;
  private FinishedLayer finished;
  private RemoteLayer object;
  private LayerFiles files;
  private DeltaLayer layer;

  @BeforeEach
  void make() throws IOException {
    store = new StoredLayers(directory.resolve("store"));
    finished = LayerFixture.smallBlocks(directory.resolve("layer"), Compression.LZ4, versions);
    object = store.put(finished);
    files = new LayerFiles(new BlockCache(0), 4, InstantSource.system(), store);
    layer = LayerFixture.open(files, finished);
  }

  private void arrive() throws IOException {
    Path coming = directory.resolve("coming");
    Files.copy(store.path(object), coming);
    Files.move(coming, layer.path(), StandardCopyOption.ATOMIC_MOVE);
  }

  private void assertWhole() throws IOException {
    assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(versions);
    Key key = versions.getFirst().key();
    assertThat(LayerFixture.find(layer, key, Lsn.ZERO, Lsn.MAX, 9999))
        .isEqualTo(LayerFixture.expected(versions, key, Lsn.ZERO, Lsn.MAX, 9999));
  }

  @Test
  void isReadInEveryState() throws IOException {
    assertWhole();
    assertThat(store.calls).hasValue(0);
    assertThat(files.openFiles()).isEqualTo(1);
    Residency residency = layer.residency();
    assertThat(residency.beginDownload()).isFalse();
    assertThat(residency.evict(object)).isTrue();
    assertThat(residency.evict(object)).isFalse();
    assertThat(residency.state()).isEqualTo(new LayerState.Evicted(object));
    assertThat(layer.path()).doesNotExist();
    assertThat(files.openFiles()).isZero();
    assertWhole();
    assertThat(residency.beginDownload()).isTrue();
    assertThat(residency.beginDownload()).isFalse();
    assertThat(residency.evict(object)).isFalse();
    assertWhole();
    residency.failDownload("the store is away", Instant.EPOCH);
    assertThat(residency.state())
        .isEqualTo(new LayerState.Failed(object, "the store is away", Instant.EPOCH));
    assertWhole();
    assertThatIllegalStateException().isThrownBy(residency::makeResident);
    assertThat(residency.beginDownload()).isTrue();
    arrive();
    residency.makeResident();
    assertThat(residency.state()).isEqualTo(new LayerState.Resident());
    store.reset();
    assertWhole();
    assertThat(store.calls).hasValue(0);
    assertThat(files.openFiles()).isEqualTo(1);
    layer.deleteWhenReleased();
    layer.close();
    assertThat(layer.path()).doesNotExist();
  }

  @Test
  void aFileThatCameIsCheckedWithItsHeader() throws IOException {
    layer.residency().evict(object);
    assertWhole();
    layer.residency().beginDownload();
    arrive();
    byte[] bytes = Files.readAllBytes(layer.path());
    bytes[20] ^= 1;
    Files.write(layer.path(), bytes);
    layer.residency().makeResident();
    assertThatThrownBy(this::assertWhole)
        .isInstanceOf(CorruptLayerException.class)
        .hasMessageContaining("the header's checksum is wrong");
  }

  @Test
  void aMissingFileThatShouldBeHereIsNotReplaced() throws IOException {
    Files.delete(layer.path());
    assertThatThrownBy(this::assertWhole).isInstanceOf(NoSuchFileException.class);
    assertThat(store.calls).hasValue(0);
  }

  @Test
  void aCursorGoesOnWhenTheFileGoesAndComes() throws IOException {
    var found = new ArrayList<Version>();
    try (LayerCursor cursor = layer.cursor(KeyRange.ALL)) {
      while (cursor.next()) {
        found.add(Version.of(cursor));
        if (found.size() == 100) {
          assertThat(layer.residency().evict(object)).isTrue();
        } else if (found.size() == 250) {
          layer.residency().beginDownload();
          arrive();
          layer.residency().makeResident();
        }
      }
    }
    assertThat(found).isEqualTo(versions);
  }

  @Test
  void readersDoNotNotice() throws Exception {
    var done = new AtomicBoolean();
    List<Key> keys = versions.stream().map(Version::key).distinct().toList();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var readers = new ArrayList<Future<Integer>>();
      for (int i = 0; i < 4; i++) {
        var random = new SplittableRandom(i);
        readers.add(threads.submit(() -> read(keys, random, done)));
      }
      for (int i = 0; i < 100; i++) {
        assertThat(layer.residency().evict(object)).isTrue();
        Thread.sleep(1);
        assertThat(layer.residency().beginDownload()).isTrue();
        arrive();
        layer.residency().makeResident();
        Thread.sleep(1);
      }
      layer.residency().evict(object);
      done.set(true);
      for (Future<Integer> reader : readers) {
        assertThat(reader.get()).isPositive();
      }
    }
    assertThat(layer.path()).doesNotExist();
    assertThat(files.openFiles()).isZero();
    assertThat(store.calls.get()).isPositive();
    assertThat(files.reads()).isPositive();
  }

  private int read(List<Key> keys, SplittableRandom random, AtomicBoolean done) throws IOException {
    int reads = 0;
    do { // at least once, however late the thread begins
      if (random.nextInt(20) == 0) {
        assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(versions);
      }
      Key key = keys.get(random.nextInt(keys.size()));
      assertThat(LayerFixture.find(layer, key, Lsn.ZERO, Lsn.MAX, 9999))
          .isEqualTo(LayerFixture.expected(versions, key, Lsn.ZERO, Lsn.MAX, 9999));
      reads++;
    } while (!done.get());
    return reads;
  }

  @Test
  void tellsWhenItWasLastUsed() throws IOException {
    now.set(Instant.ofEpochMilli(1_000_000));
    try (var timed = new LayerFiles(new BlockCache(1 << 20), 1, now::get, store);
        var used = LayerFixture.open(timed, finished)) {
      assertThat(used.residency().lastAccess()).isEqualTo(1_000_000);
      Key key = versions.getFirst().key();
      now.set(Instant.ofEpochMilli(1_000_100));
      LayerFixture.walk(used, KeyRange.ALL); // merges do not keep a layer here
      assertThat(used.residency().lastAccess()).isEqualTo(1_000_000);
      LayerFixture.find(used, key, Lsn.ZERO, Lsn.MAX, 1);
      assertThat(used.residency().lastAccess()).isEqualTo(1_000_100);
      now.set(Instant.ofEpochMilli(1_000_200));
      assertThat(used.residency().lastAccess()).isEqualTo(1_000_100);
      LayerFixture.find(used, key, Lsn.ZERO, Lsn.MAX, 1);
      now.set(Instant.ofEpochMilli(1_000_300));
      assertThat(used.residency().lastAccess()).isEqualTo(1_000_300);
    }
  }

  @Test
  void theFileRemembersTheLastUse() throws IOException {
    now.set(Instant.ofEpochMilli(2_000_000));
    Files.setLastModifiedTime(layer.path(), FileTime.fromMillis(500_000));
    try (var timed = new LayerFiles(new BlockCache(1 << 20), 1, now::get, store);
        var used = LayerFixture.open(timed, finished)) {
      assertThat(used.residency().lastAccess()).isEqualTo(500_000);
      used.residency().saveLastAccess();
      assertThat(Files.getLastModifiedTime(used.path()).toMillis()).isEqualTo(500_000);
      LayerFixture.find(used, versions.getFirst().key(), Lsn.ZERO, Lsn.MAX, 1);
      now.set(Instant.ofEpochMilli(2_000_100));
      assertThat(used.residency().lastAccess()).isEqualTo(2_000_100);
      now.set(Instant.ofEpochMilli(3_000_000));
      used.residency().saveLastAccess();
    }
    try (var timed = new LayerFiles(new BlockCache(1 << 20), 1, now::get, store);
        var again = LayerFixture.open(timed, finished)) {
      assertThat(again.residency().lastAccess()).isEqualTo(2_000_100);
      LayerFixture.find(again, versions.getFirst().key(), Lsn.ZERO, Lsn.MAX, 1);
      again.residency().evict(object);
      again.residency().saveLastAccess(); // there is no file to say it
      assertThat(again.path()).doesNotExist();
    }
  }

  @Test
  void aLayerIsHotWhenReadsHaveFetchedHalfOfIt() throws IOException {
    layer.residency().evict(object);
    LayerFixture.walk(layer, KeyRange.ALL);
    assertThat(store.hot).as("walks do not count").isEmpty();
    try (var cached = new LayerFiles(new BlockCache(1 << 20), 1, InstantSource.system(), store);
        var evicted = new DeltaLayer(cached, layer.path(), object)) {
      for (Version version : versions) {
        LayerFixture.find(evicted, version.key(), Lsn.ZERO, Lsn.MAX, 1);
        boolean half = cached.rangeBytesRead() >= object.bytes() / 2 && cached.rangesRead() >= 4;
        assertThat(!store.hot.isEmpty()).isEqualTo(half || cached.rangesRead() >= 128);
        if (!store.hot.isEmpty()) {
          break;
        }
      }
    }
    assertThat(store.hot).containsExactly(object);
  }

  @Test
  void heatIsOfAnHour() {
    var heat = new Heat();
    assertThat(heat.add(400, 1000, 0)).isFalse();
    assertThat(heat.add(400, 1000, 1)).isFalse();
    assertThat(heat.add(400, 1000, 2)).as("whatever its size").isFalse();
    assertThat(heat.add(1, 1000, 3)).isTrue();
    assertThat(heat.add(1, 1000, 4)).as("once").isFalse();
    for (int i = 0; i < 500; i++) {
      assertThat(heat.add(100, 100_000, i * 60_000L)).as("minute %d", i).isFalse();
    }
    for (int i = 1; i < 128; i++) {
      assertThat(heat.add(1, 100_000, 100_000_000L + i)).isFalse();
    }
    assertThat(heat.add(1, 100_000, 100_000_200L)).isTrue();
  }
}
