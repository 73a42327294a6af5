package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.key;
import static dev.varve.timeline.Fixture.putChange;
import static dev.varve.timeline.Fixture.putImage;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Pages are the same with the page cache, and it is used.
@Timeout(120)
class CachedReadsTest {

  private static final int BLOCKS = 12;

  @TempDir private Path data;

  /// What a timeline should hold.
  private static final class Model {
    final Timeline real;
    final @Nullable Model ancestor;
    final long start;
    final List<TreeMap<Long, Long>> versions = new ArrayList<>();
    long last;

    Model(Timeline real, @Nullable Model ancestor, long start) {
      this.real = real;
      this.ancestor = ancestor;
      this.start = start;
      last = start;
      for (int i = 0; i < BLOCKS; i++) {
        versions.add(new TreeMap<>());
      }
    }

    /// The hash of the page; images have even values, changes odd ones.
    long expected(int block, long lsn) {
      var all = new TreeMap<Long, Long>();
      long upTo = lsn;
      for (Model at = this; at != null; at = at.ancestor) {
        all.putAll(at.versions.get(block).headMap(upTo, true));
        upTo = Math.min(upTo, at.start);
      }
      long hash = 0;
      for (Map.Entry<Long, Long> version : all.entrySet()) {
        long value = version.getValue();
        hash = value % 2 == 0 ? value : HashRedo.next(hash, version.getKey(), value);
      }
      return hash;
    }
  }

  private static void ingest(Model model, SplittableRandom random) {
    try (Ingest ingest = model.real.ingest()) {
      int records = random.nextInt(40);
      for (int i = 0; i < records; i++) {
        long lsn = model.last + 1 + random.nextInt(3);
        int block = random.nextInt(1 + random.nextInt(BLOCKS));
        long value = random.nextInt(1000);
        if (value % 16 != 0) {
          value |= 1;
          putChange(ingest, block, lsn, value);
        } else {
          putImage(ingest, block, lsn, value);
        }
        model.versions.get(block).put(lsn, value);
        model.last = lsn;
        ingest.advance(lsn);
      }
      if (random.nextInt(3) == 0) { // half a record, which must never be seen
        putChange(ingest, random.nextInt(BLOCKS), model.last + 1, 12345);
      }
    }
  }

  /// Images that come beside the log: their layers overlap with those of changes.
  private static void load(Model model, SplittableRandom random) {
    long lsn = model.last + 1;
    try (ImageLoad load = model.real.imageLoad(new Lsn(lsn))) {
      for (int block = random.nextInt(3); block < BLOCKS; block += 1 + random.nextInt(4)) {
        long value = 2L * random.nextInt(1000);
        Key key = key(block);
        load.image(key.upper(), key.middle(), key.lower(), HashRedo.image(value, lsn), 0, 8192);
        model.versions.get(block).put(lsn, value);
      }
      load.finish();
    }
    try (Ingest ingest = model.real.ingest()) {
      ingest.advance(lsn);
    }
    model.last = lsn;
  }

  private static void read(Model model, SplittableRandom random) {
    long lsn = model.last - (random.nextBoolean() ? 0 : random.nextLong(model.last - START + 1));
    if (random.nextInt(3) > 0) {
      int block = random.nextInt(BLOCKS);
      assertThat(Fixture.read(model.real, block, lsn))
          .as("%s, block %d as of %d", model.real, block, lsn)
          .isEqualTo(model.expected(block, lsn));
      return;
    }
    List<Key> keys = new ArrayList<>();
    List<Integer> blocks = new ArrayList<>();
    for (int i = random.nextInt(2 * BLOCKS); i > 0; i--) {
      blocks.add(random.nextInt(BLOCKS));
      keys.add(key(blocks.getLast()));
    }
    MemorySegment pages = Arena.ofAuto().allocate(8192L * keys.size() + 8);
    model.real.pages(
        keys,
        new Lsn(lsn),
        pages,
        (_, failure) -> {
          throw failure;
        });
    for (int i = 0; i < keys.size(); i++) {
      assertThat(pages.get(JAVA_LONG, 8192L * i))
          .as("%s, block %d as of %d", model.real, blocks.get(i), lsn)
          .isEqualTo(model.expected(blocks.get(i), lsn));
    }
  }

  private Model root(Fixture server) {
    Timeline timeline = server.importing("root");
    var model = new Model(timeline, null, START);
    try (Ingest ingest = timeline.ingest()) {
      for (int block = 0; block < BLOCKS; block++) {
        putImage(ingest, block, START, 2L * block);
        model.versions.get(block).put(START, 2L * block);
      }
      ingest.advance(START);
    }
    timeline.markImported(new Lsn(START));
    return model;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void anyPageIsWhatTheModelSays(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    long distance = 2_000L << random.nextInt(6);
    var settings =
        Fixture.settings(4 << 20, distance).withPageCache((8 * 8192L) << random.nextInt(3));
    try (var server = new Fixture(data, settings)) {
      List<Model> models = new ArrayList<>();
      models.add(root(server));
      for (int step = 0; step < 500; step++) {
        Model model = models.get(random.nextInt(models.size()));
        switch (random.nextInt(24)) {
          case 0, 1, 2 -> ingest(model, random);
          case 3 -> load(model, random);
          case 4 -> model.real.requestFreeze();
          case 5 -> {
            if (models.size() < 8) {
              long at = model.last - random.nextLong(Math.min(60, model.last - model.start + 1));
              Timeline branch =
                  server.tenants.branch(model.real, server.newId(), "b" + step, new Lsn(at));
              models.add(new Model(branch, model, at));
            }
          }
          default -> {
            for (int i = 0; i < 6; i++) {
              read(model, random);
            }
          }
        }
      }
      PageCache cache = server.tenants.pageCache();
      assertThat(cache.hits()).isGreaterThan(100);
      assertThat(cache.baseHits()).isGreaterThan(100);
    }
  }

  @Test
  void readersOfManyPagesSeeOneTruthWhileOneWrites() throws Exception {
    var settings = Fixture.settings(4 << 20, 50_000).withPageCache(8 * 8192);
    int records = 6_000;
    try (var server = new Fixture(data, settings);
        var threads = Executors.newFixedThreadPool(3)) {
      Model root = root(server);
      long[][] hashes = new long[BLOCKS][records / BLOCKS + 1];
      for (int block = 0; block < BLOCKS; block++) {
        hashes[block][0] = 2L * block;
        for (int i = 1; i <= records / BLOCKS; i++) {
          long lsn = START + (long) (i - 1) * BLOCKS + block + 1;
          hashes[block][i] = HashRedo.next(hashes[block][i - 1], lsn, 3);
        }
      }
      var done = new AtomicBoolean();
      List<Future<?>> readers = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        var random = new SplittableRandom(i);
        readers.add(
            threads.submit(() -> {
              while (!done.get()) {
                long last = root.real.lastRecordLsn().value();
                long lsn = Math.max(START, last - (long) random.nextInt(3) * random.nextInt(300));
                int block = random.nextInt(BLOCKS);
                int changes = (int) (lsn - START + BLOCKS - 1 - block) / BLOCKS;
                assertThat(Fixture.read(root.real, block, lsn)).isEqualTo(hashes[block][changes]);
              }
            }));
      }
      try (Ingest ingest = root.real.ingest()) {
        for (int i = 0; i < records / BLOCKS * BLOCKS; i++) {
          putChange(ingest, i % BLOCKS, START + 1 + i, 3);
          ingest.advance(START + 1 + i);
          // pages of few changes are not kept
          while (uses(server) < (i - 10 * BLOCKS) / 2 && !hasFailed(readers)) {
            TimeUnit.MILLISECONDS.sleep(1);
          }
        }
      } finally {
        done.set(true);
      }
      for (Future<?> reader : readers) {
        reader.get();
      }
      assertThat(server.tenants.pageCache().baseHits()).isPositive();
    }
  }

  private static long uses(Fixture server) {
    return server.tenants.pageCache().hits() + server.tenants.pageCache().baseHits();
  }

  private static boolean hasFailed(List<Future<?>> readers) {
    return readers.stream().anyMatch(Future::isDone);
  }

  private static void chain(Timeline timeline, int block, int changes) {
    try (Ingest ingest = timeline.ingest()) {
      long lsn = timeline.lastRecordLsn().value();
      for (int i = 1; i <= changes; i++) {
        putChange(ingest, block, lsn + i, 3);
        ingest.advance(lsn + i);
      }
    }
  }

  @Test
  void branchesShareTheirAncestorsPage() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 1 << 20))) {
      Timeline root = server.root("prod");
      chain(root, 0, 20);
      PageCache cache = server.tenants.pageCache();
      List<Timeline> branches = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        branches.add(server.tenants.branch(root, server.newId(), "b" + i, new Lsn(START + 20)));
      }
      long page = Fixture.read(branches.getFirst(), 0, START + 20);
      chain(root, 0, 5);
      assertThat(cache.bytes()).isEqualTo(8192);
      for (Timeline branch : branches) {
        chain(branch, 1, 3);
        assertThat(Fixture.read(branch, 0, branch.lastRecordLsn().value())).isEqualTo(page);
      }
      assertThat(cache.bytes()).isEqualTo(8192);
      assertThat(cache.hits()).isEqualTo(10);
      // the ancestor itself goes on from there
      assertThat(Fixture.read(root, 0, START + 25)).isNotEqualTo(page);
      assertThat(cache.baseHits()).isEqualTo(1);
      assertThat(cache.bytes()).isEqualTo(8192);
    }
  }

  @Test
  void whatCostsLittleIsNotKept() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 1 << 20))) {
      Timeline root = server.root("prod");
      chain(root, 0, 3);
      Fixture.read(root, 0, START + 3);
      assertThat(server.tenants.pageCache().bytes()).isZero();
      chain(root, 0, 1);
      Fixture.read(root, 0, START + 4);
      assertThat(server.tenants.pageCache().bytes()).isEqualTo(8192);
    }
  }

  /// Of what lies below the earliest readable LSN, versions may be gone, tombstones among them.
  @Test
  void aPageKnownUpToBelowTheReadableHistoryIsNoBase() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 1 << 20))) {
      Timeline root = server.importing("prod");
      try (Ingest ingest = root.ingest()) {
        putImage(ingest, 0, START, 7);
        ingest.advance(START + 10);
      }
      root.markImported(new Lsn(START + 10));
      PageReader reader = root.reader();
      Key key = key(0);
      PageCacheView view = reader.cache();
      MemorySegment other = HashRedo.image(8, START);
      view.cache()
          .put(view.owner(), key.upper(), key.middle(), key.lower(), START, START + 9, -1, other);
      assertThat(Fixture.read(root, 0, START + 10)).isEqualTo(7);
      view.cache()
          .put(view.owner(), key.upper(), key.middle(), key.lower(), START, START + 10, -1, other);
      assertThat(Fixture.read(root, 0, START + 10)).isEqualTo(8); // it would have been used
    }
  }

  @Test
  void nothingIsKeptDuringAnImport() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 1 << 20))) {
      Timeline root = server.importing("prod");
      try (Ingest ingest = root.ingest()) {
        putImage(ingest, 0, START, 7);
        for (int i = 1; i < 20; i++) {
          putChange(ingest, 0, START + i, 3);
          ingest.advance(START + i);
        }
        ingest.page(key(0), Arena.ofAuto().allocate(8192));
      }
      assertThat(server.tenants.pageCache().bytes()).isZero();
    }
  }

  @Test
  void aPageThatCanNotBeMadeIsNotKept() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 1 << 20))) {
      Timeline root = server.root("prod");
      chain(root, 0, 20);
      // HashRedo refuses a change that is not after the page's LSN, which this image claims
      try (Ingest ingest = root.ingest()) {
        Key key = key(0);
        MemorySegment image = HashRedo.image(5, START + 1000);
        ingest.image(key.upper(), key.middle(), key.lower(), START + 21, image, 0, 8192);
        for (int i = 22; i < 30; i++) {
          putChange(ingest, 0, START + i, 3);
        }
        ingest.advance(START + 30);
      }
      long before = Fixture.read(root, 0, START + 20);
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> Fixture.read(root, 0, START + 30))
            .isInstanceOf(AssertionError.class);
      }
      assertThat(Fixture.read(root, 0, START + 20)).isEqualTo(before);
    }
  }

  @Test
  void aTombstoneHidesAPageOfTheCache() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 1 << 20))) {
      Timeline root = server.root("prod");
      chain(root, 0, 20);
      Fixture.read(root, 0, START + 20);
      try (Ingest ingest = root.ingest()) {
        Key key = key(0);
        ingest.image(key.upper(), key.middle(), key.lower(), START + 21, MemorySegment.NULL, 0, 0);
        ingest.advance(START + 21);
      }
      assertThatThrownBy(() -> Fixture.read(root, 0, START + 21))
          .isInstanceOf(PageserverException.NotFound.class);
      assertThat(server.tenants.pageCache().baseHits()).isEqualTo(1);
    }
  }
}
