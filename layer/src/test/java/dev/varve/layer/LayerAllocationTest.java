package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The hot paths of this module make next to no garbage.
class LayerAllocationTest {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int COUNT = 200_000;
  private static final int KEYS = 1000;
  private static final VersionSink ONE = (_, _, _, bytes) -> bytes.byteSize() == 100;

  private static final MemorySegment BYTES = MemorySegment.ofArray(new byte[100]);

  @TempDir private Path directory;

  private interface Work {
    void run() throws IOException;
  }

  /// The least of a few rounds, so that compiling does not count.
  private static double bytesPerCall(Work work) throws IOException {
    double least = Double.MAX_VALUE;
    for (int round = 0; round < 5; round++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      work.run();
      long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      least = Math.min(least, (double) allocated / COUNT);
    }
    return least;
  }

  private static void fill(MemoryLayer layer, long firstLsn) {
    for (int i = 0; i < COUNT; i++) {
      layer.put(0, 0, i % KEYS, firstLsn + i, false, false, BYTES, 0, 100);
    }
  }

  private static void findAll(Layer layer) throws IOException {
    for (int i = 0; i < COUNT; i++) {
      if (!layer.find(0, 0, i % KEYS, 0, Long.MAX_VALUE, ONE)) {
        throw new AssertionError("not found: " + i % KEYS);
      }
    }
  }

  @Test
  void puttingAndFindingInMemory() throws IOException {
    try (var layer = new MemoryLayer(1, new MemoryBudget(1 << 30))) {
      long[] lsn = {1};
      double put =
          bytesPerCall(() -> {
            fill(layer, lsn[0]);
            lsn[0] += COUNT;
          });
      assertThat(put).isLessThan(0.5); // chunks are objects, too
      assertThat(bytesPerCall(() -> findAll(layer))).isLessThanOrEqualTo(64);
    }
  }

  @Test
  void writingAndFindingInFiles() throws IOException {
    try (var layer = new MemoryLayer(1, new MemoryBudget(1 << 30));
        var files = new LayerFiles(new BlockCache(1 << 26), 4)) {
      fill(layer, 1);
      int[] round = {0};
      FinishedLayer[] finished = new FinishedLayer[1];
      double write =
          bytesPerCall(() -> {
            Path file = directory.resolve("layer" + round[0]++);
            finished[0] = write(layer, file);
          });
      assertThat(write).isLessThan(64); // the cursor's view of the bytes
      try (DeltaLayer written = LayerFixture.open(files, finished[0])) {
        assertThat(bytesPerCall(() -> findAll(written))).isLessThan(64 + 4 * 40);
      }
    }
  }

  /// Each block is asked for again only after more others than the cache remembers.
  @Test
  void findingHereAndThereInFilesThatAreFarLargerThanTheCache() throws IOException {
    int keys = 20_000;
    try (var layer = new MemoryLayer(1, new MemoryBudget(1 << 30));
        var files = new LayerFiles(new BlockCache(1 << 20), 4)) {
      for (int i = 0; i < COUNT; i++) {
        layer.put(0, 0, i % keys, 1 + i, false, false, BYTES, 0, 100);
      }
      try (DeltaLayer written = LayerFixture.open(files, write(layer, directory.resolve("far")))) {
        long before = 0;
        for (int i = 0; i < 2 * keys; i++) {
          if (i == keys) {
            before = THREADS.getCurrentThreadAllocatedBytes();
          }
          assertThat(written.find(0, 0, i * 7919L % keys, 0, Long.MAX_VALUE, ONE)).isTrue();
        }
        long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
        assertThat(allocated / keys).isLessThan(10_000); // a block has 16 KiB
      }
    }
  }

  @Test
  void whatIsAskedForAgainIsKept() throws IOException {
    try (var layer = new MemoryLayer(1, new MemoryBudget(1 << 30));
        var files = new LayerFiles(new BlockCache(1 << 26), 4)) {
      fill(layer, 1);
      try (DeltaLayer written = LayerFixture.open(files, write(layer, directory.resolve("kept")))) {
        var reads = new long[4];
        for (int i = 0; i < reads.length; i++) {
          long before = files.reads();
          assertThat(written.find(0, 0, 7, 0, Long.MAX_VALUE, ONE)).isTrue();
          reads[i] = files.reads() - before;
        }
        assertThat(reads[0]).isGreaterThan(1);
        assertThat(reads[1]).isEqualTo(1);
        assertThat(reads[2]).isZero();
        assertThat(reads[3]).isZero();
      }
    }
  }

  private static FinishedLayer write(MemoryLayer layer, Path file) throws IOException {
    try (var writer = new DeltaLayerWriter(file, LayerFixture.OWNER, Compression.LZ4);
        LayerCursor cursor = layer.cursor(KeyRange.ALL)) {
      while (cursor.next()) {
        writer.add(
            cursor.upper(),
            cursor.middle(),
            cursor.lower(),
            cursor.lsn(),
            cursor.image(),
            cursor.initializes(),
            cursor.memory(),
            cursor.offset(),
            cursor.length());
      }
      return writer.finish(KeyRange.ALL, layer.lsns());
    }
  }

  @Test
  void anAbsentKeyCostsNoReadingOfData() throws IOException {
    Path file = directory.resolve("layer");
    try (var writer = new DeltaLayerWriter(file, LayerFixture.OWNER, Compression.NONE)) {
      for (int i = 0; i < COUNT; i++) {
        writer.add(0, 0, 2L * i, 5, true, true, BYTES, 0, 100);
      }
      FinishedLayer finished = writer.finish();
      var cache = new BlockCache(1 << 26);
      try (var files = new LayerFiles(cache, 1);
          DeltaLayer layer = LayerFixture.open(files, finished)) {
        int found = 0;
        for (int i = 0; i < COUNT; i += 100) {
          if (layer.find(0, 0, 2L * i + 1, 0, 9, ONE)) {
            found++;
          }
        }
        assertThat(found).isZero();
        // Of the file, root and filters; and where a filter errs, a leaf and a block.
        assertThat(cache.bytes()).isLessThan(finished.size() / 10);
      }
    }
  }

  @Test
  void aFilterErrsRarely() throws MalformedBlockException {
    byte[] bits = new byte[KeyFilter.lengthFor(COUNT)];
    KeyFilter filter = KeyFilter.of(bits, bits.length);
    for (int i = 0; i < COUNT; i++) {
      filter.add(hash(i));
    }
    int wrong = 0;
    for (int i = 0; i < COUNT; i++) {
      assertThat(filter.mayContain(hash(i))).isTrue();
      if (filter.mayContain(hash(COUNT + i))) {
        wrong++;
      }
    }
    assertThat(wrong).isBetween(1, COUNT / 100);
  }

  private static long hash(int block) {
    return KeyHash.of(Key.upper(0, 1663), Key.middle(5, 16384), Key.lower(0, block));
  }
}
