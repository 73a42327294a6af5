package dev.varve.timeline;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.BlockCache;
import dev.varve.layer.Compression;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.FileLayer;
import dev.varve.layer.FinishedLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.ImageLayerWriter;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerName;
import dev.varve.layer.RemoteLayer;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.remote.generation.Generation;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskThreads;
import dev.varve.timeline.WrittenLayers.Version;
import dev.varve.timeline.WrittenLayers.Versions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/// Layers on disk whose files can be made go, so that a store has them only.
abstract class EvictedLayers {

  /// Each layer has two parts.
  static final int KEYS = 700;

  static final int DELTAS = 7;

  static final long IMAGES_AT = 100;
  static final long BRANCH_AT = 1000;
  static final long LAST = 2000;

  @TempDir Path folder;
  final SplittableRandom random = new SplittableRandom(1);
  final MemorySegment page = Arena.ofAuto().allocate(8192);
  TaskManager tasks;
  SlowStore store;
  WrittenLayers layers;
  DamagedFiles damaged;

  final void open(TaskThreads threads) throws IOException {
    tasks = new TaskManager(threads, Duration.ofSeconds(10));
    store = new SlowStore(folder.resolve("store"), tasks);
    layers =
        new WrittenLayers(
            folder, new LayerFiles(new BlockCache(1 << 26), 64, tasks.clock(), store));
    damaged = new DamagedFiles(new TimelineFiles(folder), tasks.clock());
  }

  @BeforeEach
  void openReal() throws IOException {
    open(new RealThreads(InstantSource.system(), 1));
  }

  @AfterEach
  void close() {
    tasks.close();
  }

  static Key key(int block) {
    return new Key(0, 1663, 5, 16384, 0, block);
  }

  /// Each key has a change in it, and bytes that do not compress.
  HistoricLayer delta(long lsn) throws IOException {
    var versions = new Versions();
    for (int i = 0; i < KEYS; i++) {
      byte[] bytes = new byte[2000];
      random.nextBytes(bytes);
      versions.put(key(i), lsn + i % 5, new Version(false, false, MemorySegment.ofArray(bytes)));
    }
    return layers.write(versions, 1);
  }

  HistoricLayer images(long lsn) throws IOException {
    Path directory = Files.createDirectory(folder.resolve("images" + lsn));
    FinishedLayer finished;
    try (var writer =
        new ImageLayerWriter(
            directory.resolve("images"), WrittenLayers.OWNER, new Lsn(lsn), Compression.NONE)) {
      for (int i = 0; i < KEYS; i++) {
        Key key = key(i);
        MemorySegment image = HashRedo.image(lsn * 1000 + i, lsn);
        writer.add(key.upper(), key.middle(), key.lower(), image, 0, 8192);
      }
      finished = writer.finish();
    }
    Path path = LayerFiles.commit(finished, directory);
    LayerName name = finished.name();
    return new HistoricLayer(
        LayerEntry.of(name, finished.size(), finished.crc(), LayerEntry.BOTTOM, Generation.NONE),
        new ImageLayer(layers.files, path, name, WrittenLayers.OWNER));
  }

  List<HistoricLayer> history(long lsn) throws IOException {
    var history = new ArrayList<HistoricLayer>();
    history.add(images(lsn));
    for (int i = 1; i <= DELTAS; i++) {
      history.add(delta(lsn + 10L * i));
    }
    return history;
  }

  PageReader reader(List<HistoricLayer> files, @Nullable PageReader ancestor) {
    return new PageReader(
        "t",
        new LayerMaps("t", HistoricLayers.of(files), () -> {}),
        new LastRecord("t", LAST),
        new Condition("t", null, damaged),
        PageCacheView.of(new PageCache(0), () -> -1),
        ancestor == null ? null : new AncestorLink(ancestor),
        BRANCH_AT,
        new TimelineMetrics(),
        tasks);
  }

  static PageBuilder builder() {
    return new PageBuilder(new ChainMemory(48 << 20));
  }

  long read(PageReader reader, int block) {
    reader.page(key(block), new Lsn(LAST), page, builder(), new HashRedo());
    return page.get(JAVA_LONG_UNALIGNED, 0);
  }

  long[] readAll(PageReader reader) {
    return IntStream.range(0, KEYS).mapToLong(block -> read(reader, block)).toArray();
  }

  static RemoteLayer object(LayerEntry entry) {
    return new RemoteLayer(WrittenLayers.OWNER, entry.name(), 3, entry.bytes());
  }

  void evict(List<HistoricLayer> files) throws IOException {
    for (HistoricLayer each : files) {
      FileLayer layer = (FileLayer) each.layer();
      RemoteLayer object = object(each.entry());
      store.put(object, layer.path());
      assertThat(layer.residency().evict(object)).isTrue();
    }
  }

  /// The same layers, of which nothing is known yet.
  List<HistoricLayer> attached(List<HistoricLayer> files, LayerFiles anew) {
    return files.stream()
        .map(each -> {
          Path path = ((FileLayer) each.layer()).path();
          RemoteLayer object = object(each.entry());
          return switch (each.kind()) {
            case DELTA -> new HistoricLayer(each.entry(), new DeltaLayer(anew, path, object));
            case IMAGE -> new HistoricLayer(each.entry(), new ImageLayer(anew, path, object));
          };
        })
        .toList();
  }

  LayerFiles anew() {
    return new LayerFiles(new BlockCache(1 << 26), 64, tasks.clock(), store);
  }
}
