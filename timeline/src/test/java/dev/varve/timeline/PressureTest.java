package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.putChange;
import static dev.varve.timeline.Fixture.putImage;
import static dev.varve.timeline.Fixture.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.task.TaskReport;
import dev.varve.testkit.disk.SimulatedDisk;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Much to do at once, with real threads: what is written faster than it can be flushed, read while
/// layers come and go, and written while the disk is full.
@Timeout(300)
class PressureTest {

  private static final Logger LOG = Logger.getLogger("dev.varve");

  @TempDir private Path data;

  private static void awaitThat(BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(240);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for too long").isLessThan(end);
      TimeUnit.MILLISECONDS.sleep(2);
    }
  }

  @Test
  void readersSeeOneTruthWhileLayersComeAndGo() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 200_000));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Timeline root = server.root("prod");
      var done = new AtomicBoolean();
      var reads = new AtomicLong();
      List<Future<?>> readers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        var random = new SplittableRandom(i);
        readers.add(
            threads.submit(() -> {
              while (!done.get()) {
                long last = root.lastRecordLsn().value();
                long lsn = last - random.nextLong(last - START + 1);
                // block 0 has had one image and then one change at every 8th LSN
                long changes = (lsn - START) / 8;
                assertThat(read(root, 0, lsn)).isEqualTo(hash(changes));
                reads.incrementAndGet();
              }
            }));
      }
      try (Ingest ingest = root.ingest()) {
        long lsn = START;
        for (int i = 0; i < 3_000; i++) {
          lsn += 8;
          putChange(ingest, 0, lsn, 3);
          putImage(ingest, 1 + i % 50, lsn, i);
          ingest.advance(lsn);
        }
      }
      awaitThat(() -> reads.get() > 100);
      done.set(true);
      for (Future<?> reader : readers) {
        reader.get(240, TimeUnit.SECONDS);
      }
      assertThat(root.metrics().counts().bytesFlushed()).as("layers came").isPositive();
      awaitThat(() -> root.metrics().counts().bytesCompacted() > 0); // and went
    }
  }

  private static long hash(long changes) {
    long hash = 7;
    for (long i = 1; i <= changes; i++) {
      hash = HashRedo.next(hash, START + 8 * i, 3);
    }
    return hash;
  }

  @Test
  void manyTimelinesStayWithinOneBudget() throws Exception {
    long budget = 16 << 20;
    try (var server = new Fixture(data, Fixture.settings(budget, 4 << 20));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Timeline root = server.root("prod");
      List<Timeline> branches = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        branches.add(server.tenants.branch(root, server.newId(), "b" + i, new Lsn(START)));
      }
      var most = new AtomicLong();
      List<Future<?>> writers = new ArrayList<>();
      for (Timeline branch : branches) {
        writers.add(threads.submit(() -> writePages(branch, 120, server, most)));
      }
      for (Future<?> writer : writers) {
        writer.get(240, TimeUnit.SECONDS);
      }
      // writers within a record may go beyond it, by a chunk each; in all they write 98 MB
      assertThat(most.get()).isBetween(budget / 2, budget * 2);
      for (Timeline branch : branches) {
        assertThat(read(branch, 119, branch.lastRecordLsn().value())).isEqualTo(119);
      }
    }
  }

  private static void writePages(Timeline branch, int count, Fixture server, AtomicLong most) {
    try (Ingest ingest = branch.ingest()) {
      for (int i = 0; i < count; i++) {
        long lsn = START + 8L * (i + 1);
        putImage(ingest, i, lsn, i);
        ingest.advance(lsn);
        most.accumulateAndGet(server.tenants.layerMemory(), Math::max);
      }
    }
  }

  @Test
  void idleTimelinesMakeRoomForBusyOnes() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(8 << 20, 4 << 20))) {
      Timeline root = server.root("prod");
      var most = new AtomicLong();
      for (int i = 0; i < 200; i++) {
        Timeline branch = server.tenants.branch(root, server.newId(), "b" + i, new Lsn(START));
        writePages(branch, 20, server, most); // and never again: each keeps an open layer
      }
      assertThat(most.get()).isLessThan(10 << 20); // of 32 MB written
    }
  }

  @Test
  void aLoadMakesRoomForItselfAndItsLayersDoNotGetTiny() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(8 << 20, 4 << 20))) {
      Timeline root = server.root("prod");
      var ignored = new AtomicLong();
      for (int i = 0; i < 100; i++) {
        Timeline branch = server.tenants.branch(root, server.newId(), "b" + i, new Lsn(START));
        writePages(branch, 8, server, ignored);
      }
      Timeline loaded = server.importing("loaded");
      int pages = 3_000;
      long most = 0;
      try (ImageLoad load = loaded.imageLoad(new Lsn(START))) {
        for (int i = 0; i < pages; i++) {
          Key key = Fixture.key(i);
          load.image(key.upper(), key.middle(), key.lower(), HashRedo.image(i, 1), 0, 8192);
          most = Math.max(most, server.tenants.layerMemory());
        }
        load.finish();
      }
      assertThat(most).isLessThan(16 << 20); // of 24 MB loaded, beside what was there
      assertThat(loaded.layerCount()).isLessThan(pages * 8192 / (4 << 20) * 8);
      loaded.markImported(new Lsn(START));
      assertThat(read(loaded, pages - 1, START)).isEqualTo(pages - 1);
    }
  }

  @Test
  void aFullDiskStopsTheWriterButNotTheReadersAndIsOvercome() throws Exception {
    LOG.setLevel(Level.OFF);
    var disk = new SimulatedDisk();
    try (var server = new Fixture(disk.root().resolve("data"), Fixture.settings(8 << 20, 200_000));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Timeline root = server.root("prod");
      disk.failAll();
      Future<?> writer =
          threads.submit(() -> {
            try (Ingest ingest = root.ingest()) {
              for (int i = 1; i <= 500; i++) {
                putImage(ingest, i, START + 8L * i, i);
                ingest.advance(START + 8L * i);
              }
            }
          });
      awaitThat(() ->
          root.state() instanceof TimelineState.Failing
              && root.reader().maps().peek().frozen().size() == 2);
      awaitThat(() -> root.openBytes() >= 200_000);
      Lsn stuck = root.lastRecordLsn();
      assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(START));
      assertThat(root.state())
          .isInstanceOfSatisfying(
              TimelineState.Failing.class,
              state -> assertThat(state.reason()).contains("prod", "No space left on device"));
      assertThat(read(root, 1, stuck.value())).isEqualTo(1);
      awaitThat(() -> server.tasks.report().stream().anyMatch(PressureTest::isFlushWithoutSpace));
      assertThat(writer.isDone()).isFalse();
      disk.heal();
      writer.get(240, TimeUnit.SECONDS);
      root.checkpoint();
      assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(START + 8 * 500));
      assertThat(root.state()).isEqualTo(new TimelineState.Active());
      assertThat(read(root, 500, START + 8 * 500)).isEqualTo(500);
    } finally {
      LOG.setLevel(null);
    }
  }

  private static boolean isFlushWithoutSpace(TaskReport report) {
    return report.name().equals("flush prod")
        && String.valueOf(report.lastFailure()).contains("No space left on device");
  }

  @Test
  void aWriterThatWaitsCanBeInterrupted() throws Exception {
    LOG.setLevel(Level.OFF);
    var disk = new SimulatedDisk();
    try (var server =
        new Fixture(disk.root().resolve("data"), Fixture.settings(8 << 20, 100_000))) {
      Timeline root = server.root("prod");
      disk.failAll();
      var failure = new CompletableFuture<String>();
      Thread writer =
          Thread.ofVirtual()
              .start(() -> {
                try (Ingest ingest = root.ingest()) {
                  for (int i = 1; i <= 500; i++) {
                    putImage(ingest, i, START + 8L * i, i);
                    ingest.advance(START + 8L * i);
                  }
                  failure.complete("none");
                } catch (RuntimeException e) {
                  failure.complete(e.getMessage());
                }
              });
      awaitThat(
          () -> root.reader().maps().peek().frozen().size() == 2 && root.openBytes() >= 100_000);
      writer.interrupt();
      assertThat(failure.get(240, TimeUnit.SECONDS)).contains("was stopped while it waited");
      disk.heal();
      root.ingest().close(); // there can be another
    } finally {
      LOG.setLevel(null);
    }
  }
}
