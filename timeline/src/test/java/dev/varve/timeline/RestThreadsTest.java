package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.LayerName;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Rests that begin and end while others read and write, with real threads; and what rest is for.
@Timeout(120)
class RestThreadsTest {

  private static final int READERS = 16;
  private static final long HEAP_LIMIT = 64 << 10;

  @TempDir private Path data;

  private static TimelineSettings settings() {
    return Fixture.settings(8 << 20, 1 << 20)
        .withCompaction(new CompactionSettings(3, 3, 1 << 20, 1 << 20, 0.5, 1 << 10));
  }

  @Test
  void manyReadersAtOnceWakeATimeline() throws Exception {
    try (Fixture server = new Fixture(data, settings());
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Timeline prod = server.root("prod");
      prod.checkpoint();
      for (int round = 0; round < 100; round++) {
        do { // after the checkpoint others may use it, too
          prod.rest();
        } while (!prod.index().maps().peek().isAtRest());
        var begin = new CountDownLatch(1);
        var reads = new ArrayList<Future<Long>>();
        for (int i = 0; i < READERS; i++) {
          Callable<Long> read =
              () -> {
                begin.await();
                return Fixture.read(prod, 0, START);
              };
          reads.add(threads.submit(read));
        }
        begin.countDown();
        for (Future<Long> read : reads) {
          assertThat(read.get()).isEqualTo(7);
        }
      }
    }
  }

  @Test
  void restsComeAndGoWhileOthersReadWriteAndMerge() throws Exception {
    var written = new Written();
    var end = new AtomicBoolean();
    int rests = 0;
    try (Fixture server = new Fixture(data, settings());
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Timeline prod = server.root("prod");
      prod.checkpoint();
      Callable<Integer> reader =
          () -> {
            int reads = 0;
            for (; !end.get(); reads++) {
              assertThat(Fixture.read(prod, 0, START)).isEqualTo(7);
            }
            return reads;
          };
      var readers = List.of(threads.submit(reader), threads.submit(reader));
      for (int round = 0; round < 40; round++) {
        try (Ingest ingest = prod.ingest()) {
          written.image(ingest, round % 5);
        }
        prod.checkpoint();
        for (int i = 0; i < 20; i++) {
          prod.rest();
          rests += prod.index().maps().peek().isAtRest() ? 1 : 0;
        }
        written.check(prod, START);
      }
      end.set(true);
      for (Future<Integer> reads : readers) {
        assertThat(reads.get()).isPositive();
      }
      assertThat(rests).isPositive();
      written.check(prod, START);
    }
    try (Fixture server = new Fixture(data, settings())) {
      written.check(server.tenants.find("prod").orElseThrow(), START);
    }
  }

  /// Timelines of a thousand layers each; the files are the same one, by as many names.
  @Test
  void anIdleTimelineTakesLittleHeapWhateverItsLayers() throws IOException {
    int timelines = 20;
    for (int i = 0; i < timelines; i++) {
      write(new TimelineId(9, i), "t" + i, 1000);
    }
    long before = usedHeap();
    try (Fixture server = new Fixture(data, settings())) {
      assertThat(server.tenants.timelines())
          .hasSize(timelines)
          .allMatch(timeline -> timeline.layerCount() == 1000)
          .allMatch(timeline -> timeline.damagedFiles().isEmpty())
          .allMatch(timeline -> timeline.state() instanceof TimelineState.Active);
      assertThat((usedHeap() - before) / timelines).isLessThan(HEAP_LIMIT);
      for (Timeline timeline : server.tenants.timelines()) {
        timeline.lease(new Lsn(START), Duration.ofDays(1));
      }
      assertThat((usedHeap() - before) / timelines).as("awake").isGreaterThan(HEAP_LIMIT);
      server.tenants.timelines().forEach(Timeline::rest);
      assertThat((usedHeap() - before) / timelines).as("after a rest").isLessThan(HEAP_LIMIT);
    }
  }

  private void write(TimelineId id, String name, int count) throws IOException {
    Path file = data.resolve("content");
    Files.write(file, new byte[] {1});
    var layers = new ArrayList<LayerEntry>();
    for (int i = 0; i < count; i++) {
      Key key = Fixture.key(i);
      layers.add(
          LayerEntry.of(
              LayerName.image(new KeyRange(key, key.next()), new Lsn(START)),
              1,
              0,
              LayerEntry.BOTTOM,
              Generation.NONE));
    }
    var identity =
        new TimelineIdentity(
            Fixture.TENANT,
            id,
            name,
            17,
            Optional.empty(),
            new Lsn(START),
            Instant.EPOCH,
            Map.of());
    var index = new IndexPart(new Lsn(START), new Lsn(START), true, layers);
    var files = new TenantFiles(data);
    files.create(identity, index);
    files.timeline(Fixture.TENANT, id).writeIndex(index);
    for (LayerEntry layer : layers) {
      Files.createLink(files.timeline(Fixture.TENANT, id).layer(layer.name()), file);
    }
  }

  private static long usedHeap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
