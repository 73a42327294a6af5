package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.LayerName;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Merges of layers, on a simulated disk and step by step.
class CompactionTest {

  private static final RetentionSettings TIP_ONLY =
      new RetentionSettings(0, Duration.ZERO, Duration.ZERO);

  private static final RetentionSettings KEEP_ALL = RetentionSettings.KEEP_ALL;

  private Written written = new Written();

  private static CompactionSettings compaction(int flushed, int depth, int bytes) {
    return new CompactionSettings(flushed, depth, bytes, bytes, 0.01, 0);
  }

  private static SimulatedServer open(
      SimulatedDisk disk, CompactionSettings compaction, RetentionSettings retention)
      throws IOException {
    return new SimulatedServer(
        disk,
        new SplittableRandom(3),
        Fixture.settings(16 << 20, 4 << 20).withCompaction(compaction).withRetention(retention));
  }

  private static Timeline root(SimulatedServer server) {
    Timeline prod =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(1, 1), "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = prod.ingest()) {
      Fixture.putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    prod.markImported(new Lsn(START));
    return prod;
  }

  private static Timeline prod(SimulatedServer server) {
    return server.tenants.find("prod").orElseThrow();
  }

  /// Layer files that are there.
  private static Set<String> files(Timeline timeline) throws IOException {
    try (Stream<Path> files = Files.list(timeline.index().files().directory())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> LayerName.parse(name).isPresent() || name.endsWith(DurableFile.TEMPORARY))
          .collect(Collectors.toSet());
    }
  }

  private static boolean isTemporary(String file) {
    return file.endsWith(DurableFile.TEMPORARY);
  }

  /// What the index part on disk names.
  private static List<LayerEntry> layers(Timeline timeline) {
    try {
      return timeline.index().files().readIndex().layers();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Set<String> listed(Timeline timeline) {
    return layers(timeline).stream()
        .map(entry -> entry.name().fileName())
        .collect(Collectors.toSet());
  }

  /// Two layers, so that they are merged into level 1.
  private void flushValues(Timeline timeline, String text, int... numbers) {
    for (int half = 0; half < 2; half++) {
      try (Ingest ingest = timeline.ingest()) {
        for (int i = half; i < numbers.length; i += 2) {
          written.value(ingest, numbers[i], text);
        }
      }
      timeline.checkpoint();
    }
  }

  /// A history whose drop takes several slices: values, of which the first ones go again.
  private SimulatedServer dropping() throws IOException {
    written = new Written();
    SimulatedServer server = open(new SimulatedDisk(), compaction(2, 99, 1500), TIP_ONLY);
    Timeline prod = root(server);
    flushValues(prod, "x".repeat(200), IntStream.range(0, 24).toArray());
    server.threads.settle();
    // Gone as of the end, in a file that ends before the one that has them does.
    flushValues(prod, "", 0, 1, 8);
    server.threads.settle();
    return server;
  }

  @Test
  void whereverADropOfHistoryFailsAllReadsAsBefore() throws IOException {
    boolean faulted = true;
    for (int operation = 0; faulted; operation += 1 + operation / 6) {
      SimulatedServer server = dropping();
      Timeline prod = prod(server);
      long before = server.disk.operations();
      server.disk.failAt(operation);
      try {
        prod.collectGarbage();
      } catch (PageserverException.Unavailable e) {
        assertThat(e).hasMessageContaining("can't be made durable");
      }
      prod.compact();
      server.threads.settle();
      faulted = server.disk.operations() - before > operation;
      written.checkAt(prod, written.last());
      server.disk.heal();
      server.threads.pass(Duration.ofMinutes(5));
      written.checkAt(prod, written.last());
      assertThat(files(prod)).containsAll(listed(prod)).noneMatch(CompactionTest::isTemporary);
    }
  }

  private void flushChanges(Timeline timeline, int blocks, int changes) {
    try (Ingest ingest = timeline.ingest()) {
      for (int block = 0; block < blocks; block++) {
        for (int i = 0; i < changes; i++) {
          written.change(ingest, block);
        }
      }
    }
    timeline.checkpoint();
  }

  private void flushImages(Timeline timeline, int blocks) {
    try (Ingest ingest = timeline.ingest()) {
      for (int block = 0; block < blocks; block++) {
        written.image(ingest, block);
      }
    }
    timeline.checkpoint();
  }

  /// What the last page read has cost: layers visited, changes applied.
  private static long[] costOf(Timeline timeline, int block, long lsn) {
    TimelineCounts before = timeline.metrics().counts();
    Fixture.read(timeline, block, lsn);
    TimelineCounts after = timeline.metrics().counts();
    return new long[] {
      after.layersVisited() - before.layersVisited(),
      after.changesApplied() - before.changesApplied()
    };
  }

  @Test
  void flushedLayersAreMergedAndReadsLookAtFewer() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), compaction(8, 99, 60_000), KEEP_ALL);
    Timeline prod = root(server);
    flushImages(prod, 20);
    for (int i = 0; i < 5; i++) {
      flushChanges(prod, 20, 1);
    }
    assertThat(prod.layerCount()).isEqualTo(7);
    assertThat(costOf(prod, 5, written.last())[0]).isEqualTo(6);
    written.check(prod, START);
    flushChanges(prod, 20, 1);
    server.threads.settle();
    assertThat(layers(prod)).extracting(LayerEntry::level).containsOnly(1);
    assertThat(costOf(prod, 5, written.last())[0]).isEqualTo(1);
    written.check(prod, START);
    assertThat(files(prod)).isEqualTo(listed(prod));
    server = open(server.disk.crash(new SplittableRandom(1)), compaction(8, 99, 60_000), KEEP_ALL);
    written.check(prod(server), START);
  }

  @Test
  void longChainsOfChangesEndWithAnImage() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), compaction(2, 99, 60_000), KEEP_ALL);
    Timeline prod = root(server);
    flushImages(prod, 3);
    flushChanges(prod, 1, 1000);
    flushChanges(prod, 3, 5);
    server.threads.settle();
    prod.compact();
    server.threads.settle();
    assertThat(costOf(prod, 0, written.last())[1]).as("changes at the tip").isLessThan(16);
    assertThat(costOf(prod, 2, written.last())[1]).as("of a short chain").isEqualTo(5);
    written.check(prod, START);
  }

  @Test
  void theDepthOfReadsDoesNotGrowWithTheNumberOfFlushes() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), compaction(4, 4, 60_000), KEEP_ALL);
    Timeline prod = root(server);
    flushImages(prod, 6);
    long deepest = 0;
    for (int i = 0; i < 100; i++) {
      flushChanges(prod, 6, 1);
      server.threads.settle();
      long visited = 0;
      for (int block = 0; block < 6; block++) {
        visited = Math.max(visited, depth(prod, block));
      }
      deepest = Math.max(deepest, visited);
    }
    // 4 flushed ones, and less than 4 of each of 4 levels
    assertThat(deepest).isLessThanOrEqualTo(4 + 3 * 4 + 4);
    assertThat(prod.metrics().counts().bytesCompacted())
        .as("each byte is written about once a level")
        .isLessThan(6 * prod.metrics().counts().bytesFlushed());
    assertThat(prod.metrics().counts().bytesRead()).isPositive();
    written.check(prod, START);
  }

  /// How many files have a key in their ranges.
  private static long depth(Timeline timeline, int block) {
    return layers(timeline).stream()
        .filter(entry -> entry.keys().contains(Fixture.key(block)))
        .count();
  }

  @Test
  void filesOfAMergeAreOfAboutTheSizeThatIsWanted() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), compaction(2, 99, 20_000), KEEP_ALL);
    Timeline prod = root(server);
    flushImages(prod, 40);
    for (int i = 0; i < 3; i++) {
      flushChanges(prod, 40, 100);
    }
    server.threads.settle();
    prod.compact();
    server.threads.settle();
    assertThat(layers(prod).size()).isGreaterThan(3);
    for (LayerEntry entry : layers(prod)) {
      assertThat(entry.bytes()).isLessThan(3 * 20_000);
    }
    written.check(prod, written.last() - 100 * Written.STEP);
  }

  /// A slice at a time is committed; a restart goes on with what is left.
  @Test
  void aRestartBetweenSlicesGoesOn() throws IOException {
    boolean clipped = false;
    for (int operation = 8; operation < 60 && !clipped; operation += 2) {
      SimulatedServer server = dropping();
      server.disk.dieAt(operation);
      try {
        prod(server).collectGarbage();
        prod(server).compact();
        server.threads.settle();
      } catch (PageserverException.Unavailable e) {
        assertThat(server.disk.isDead()).isTrue();
      }
      Thread.interrupted();
      server =
          open(
              server.disk.crash(new SplittableRandom(operation)),
              compaction(2, 99, 1500),
              TIP_ONLY);
      Timeline prod = prod(server);
      clipped =
          layers(prod).stream()
              .anyMatch(entry -> !entry.from().equals(entry.name().keys().start()));
      written.checkAt(prod, written.last());
      prod.collectGarbage();
      prod.compact();
      server.threads.settle();
      written.checkAt(prod, written.last());
      assertThat(layers(prod))
          .allMatch(entry -> entry.from().equals(entry.name().keys().start()))
          .extracting(LayerEntry::level)
          .containsOnly(LayerEntry.BOTTOM);
      assertThat(files(prod)).isEqualTo(listed(prod));
    }
    assertThat(clipped).as("a restart with clipped layers").isTrue();
  }

  @Test
  void theBreakerOpensAfterFiveFailuresAndSaysWhy() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), compaction(4, 99, 60_000), KEEP_ALL);
    Timeline prod = root(server);
    flushImages(prod, 4);
    flushChanges(prod, 4, 3);
    server.threads.settle();
    assertThat(prod.compaction().suspended()).isNull();
    server.disk.failAll();
    prod.compact();
    server.threads.pass(Duration.ofMinutes(10));
    assertThat(prod.compaction().suspended())
        .startsWith(
            "merging layers of timeline \"prod\" has failed 5 times and is suspended until ")
        .contains("No space left");
    written.check(prod, START);
    assertThat(files(prod)).containsAll(listed(prod));
    server.disk.heal();
    server.threads.pass(Duration.ofHours(1));
    assertThat(prod.compaction().suspended()).isNull();
    flushChanges(prod, 4, 3);
    server.threads.settle();
    assertThat(prod.layerCount()).isEqualTo(1);
    written.check(prod, START);
    assertThat(files(prod)).noneMatch(CompactionTest::isTemporary);
  }

  @Test
  void aTimelineThatIsDeletedMeanwhileHarmsNoOther() throws IOException {
    for (int steps = 0; steps < 12; steps++) {
      SimulatedServer server = dropping();
      Timeline prod = prod(server);
      var branch =
          server.tenants.branch(prod, new TimelineId(9, 9), "branch", new Lsn(written.last()));
      Written ofBranch = written.branch(written.last());
      Written ofProd = written;
      written = ofBranch;
      flushValues(branch, "y".repeat(100), 3, 4, 5, 6);
      branch.compact();
      for (int i = 0; i < steps; i++) {
        server.threads.step();
      }
      server.tenants.delete(branch);
      // under the same id, and so in the same directory
      var again =
          server.tenants.branch(prod, new TimelineId(9, 9), "again", new Lsn(ofProd.last()));
      server.threads.pass(Duration.ofMinutes(5));
      ofProd.checkAt(again, ofProd.last());
      ofProd.checkAt(prod, ofProd.last());
      assertThat(files(again)).isEqualTo(listed(again));
    }
  }
}
