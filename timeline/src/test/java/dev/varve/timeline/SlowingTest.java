package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.putImage;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How fast a writer may be.
@Timeout(300)
class SlowingTest {

  @TempDir private Path data;

  @ParameterizedTest
  @CsvSource({"0, 0", "0.33, 0", "0.5, 1", "0.6667, 2", "1, 4", "7, 4"})
  void theBacklogSlowsDownToThePaceOfTheFlush(double waiting, double expected) {
    assertThat(Slowing.forBacklog(waiting, 4)).isCloseTo(expected, within(0.01));
    assertThat(Slowing.forBacklog(waiting, 0)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "20, 0", "21, 0.5", "40, 10", "60, 20", "80, 50", "100, 80", "9999, 80"})
  void layersToBeMergedSlow(int layers, double expected) {
    assertThat(Slowing.forLayers(layers)).isCloseTo(expected, within(0.01));
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "16, 0", "17, 3", "26, 30"})
  void soDoFewerOfThemForLong(int pressure, double expected) {
    assertThat(Slowing.forPressure(pressure)).isCloseTo(expected, within(0.01));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 13, 1",
    "26, 99, 26",
    "0, 12, 0",
    "20, 12, 19",
    "20, 7, 19",
    "20, 6, 15",
    "3, 0, 2"
  })
  void theyCountWhileTheyStay(int before, int layers, int after) {
    assertThat(Slowing.pressureAfter(before, layers)).isEqualTo(after);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "0.75, 0", "0.875, 40", "1, 80", "2, 80"})
  void memorySlows(double used, double expected) {
    assertThat(Slowing.forMemory(used)).isCloseTo(expected, within(0.01));
  }

  /// In simulated time: all that passes is sleep.
  @Test
  void aWriterOverManyLayersOfLevel0IsSlowedButNotStopped() throws IOException {
    var server =
        new SimulatedServer(
            new SimulatedDisk(),
            new SplittableRandom(5),
            Fixture.settings(8 << 20, 100_000)
                .withCompaction(new CompactionSettings(100_000, 8, 1 << 20, 1 << 20, 1, 1 << 20)));
    Timeline root =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(0, 1), "prod", 17, new Lsn(START), Map.of());
    long lsn = START;
    try (Ingest ingest = root.ingest()) {
      putImage(ingest, 0, START, 7);
      ingest.advance(START);
      root.markImported(new Lsn(START));
      Instant begin = server.tasks.clock().instant();
      while (root.layersByLevel()[0] < 18) {
        lsn = image(ingest, lsn);
      }
      assertThat(server.tasks.clock().instant()).isEqualTo(begin);
      assertThat(root.metrics().counts().slowedTimes()).isZero();
      while (root.layersByLevel()[0] < 100) {
        lsn = image(ingest, lsn);
      }
      begin = server.tasks.clock().instant();
      long bytes = root.metrics().counts().bytesIngested();
      for (int i = 0; i < 2_000; i++) {
        lsn = image(ingest, lsn);
      }
      Duration taken = Duration.between(begin, server.tasks.clock().instant());
      double pace = (double) taken.toNanos() / (root.metrics().counts().bytesIngested() - bytes);
      // a flush that ends wakes the writer early
      assertThat(pace).isBetween(10.0, 80.0);
    }
    TimelineCounts counts = root.metrics().counts();
    assertThat(counts.slowedTimes()).isGreaterThan(100);
    assertThat(counts.slowedNanos())
        .isBetween(counts.slowedTimes(), counts.slowedTimes() * 5_000_000);
    assertThat(counts.bytesIngested()).isGreaterThan(2_000 * 8192).isLessThan(80_000_000);
    assertThat(counts.bytesFlushed()).isPositive();
  }

  private static long image(Ingest ingest, long before) {
    long lsn = before + 8;
    putImage(ingest, (int) (lsn % 400), lsn, lsn);
    ingest.advance(lsn);
    return lsn;
  }

  /// With real threads: the flush is slower than the writer.
  @Test
  void aWriterThatIsFasterThanTheFlushIsSlowed() throws IOException {
    try (var server = new Fixture(data, Fixture.settings(24 << 20, 2 << 20))) {
      Timeline root = server.root("prod");
      long lsn = START;
      try (Ingest ingest = root.ingest()) {
        // The flush may be the faster one for a while, where the writer's processor has more to do.
        for (int i = 0; i < 4_000 || (i < 40_000 && !isSlowed(root)); i++) {
          lsn = image(ingest, lsn);
        }
      }
      assertThat(root.metrics().counts().bytesIngested()).isGreaterThan(4_000 * 8192);
      assertThat(isSlowed(root)).isTrue();
    }
  }

  private static boolean isSlowed(Timeline timeline) {
    TimelineCounts counts = timeline.metrics().counts();
    return counts.slowedTimes() + counts.stoppedTimes() > 0;
  }
}
