package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.LayerName;
import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Merges of layers, on a simulated disk and step by step.
class CompactionTest {

  private static final RetentionSettings TIP_ONLY =
      new RetentionSettings(0, Duration.ZERO, Duration.ZERO);

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

  private static Set<String> listed(Timeline timeline) {
    return timeline.index().part().layers().stream()
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
    SimulatedServer server =
        open(new SimulatedDisk(), compaction(2, 99, 1500), TIP_ONLY);
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
      } catch (dev.varve.model.PageserverException.Unavailable e) {
        assertThat(e).hasMessageContaining("can't be moved");
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
}
