package dev.varve.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/// Reads of pages from an image layer beside plain reads of the file ({@link ReadBenchmark}), and
/// reads of pages with more and more changes, with and without the page cache.
final class ReadBench {

  private static final int[] CHANGES = {1, 8, 64, 256};
  private static final int PAGES = 256;
  private static final int READS = 20_000;

  private ReadBench() {}

  static void run(Path scratch, Results results) throws Exception {
    Map<String, Double> times = times(scratch.resolve("read"));
    results.note(
        "page from an image layer, warm",
        "us",
        micros(times, "page"),
        "pread of 8 KiB",
        micros(times, "preadOfPage"),
        false,
        1);
    results.note(
        "32 neighbours from an image layer, warm",
        "us",
        micros(times, "batch"),
        "pread of 256 KiB",
        micros(times, "preadOf32Pages"),
        false,
        1);
    for (int changes : CHANGES) {
      double[] with = stacked(scratch.resolve("with-" + changes), changes, 8L << 20);
      double[] without = stacked(scratch.resolve("without-" + changes), changes, 0);
      String what = "page at the tip, %d changes and one more after each read: ".formatted(changes);
      results.note(what + "p50", "us", with[0], "no page cache", without[0], false, 1);
      results.note(what + "p99", "us", with[1], "no page cache", without[1], false, 1);
    }
  }

  private static double micros(Map<String, Double> times, String name) {
    Double nanoseconds = times.get(name);
    if (nanoseconds == null) {
      throw new IllegalStateException("no figure of " + name + " in " + times.keySet());
    }
    return nanoseconds / 1e3;
  }

  /// @return nanoseconds an operation, by the name of the method
  static Map<String, Double> times(Path folder) throws RunnerException {
    Collection<RunResult> runs =
        new Runner(
                new OptionsBuilder()
                    .include(ReadBenchmark.class.getName())
                    .param("folder", folder.toString())
                    .shouldFailOnError(true)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();
    Map<String, Double> times = new LinkedHashMap<>();
    for (RunResult run : runs) {
      times.put(run.getPrimaryResult().getLabel(), run.getPrimaryResult().getScore());
    }
    return times;
  }

  /// Pages have `changes` changes above their image; each is read, and changed once more, in turn.
  ///
  /// @return microseconds a read: the median, and the 99th percentile
  private static double[] stacked(Path folder, int changes, long pageCache) throws IOException {
    try (var fixture = new ReadFixture(folder, pageCache)) {
      fixture.change(changes * PAGES, PAGES);
      fixture.timeline().checkpoint();
      MemorySegment page = Arena.ofAuto().allocate(8192);
      var times = new double[READS];
      for (int i = 0; i < READS; i++) {
        long begin = System.nanoTime();
        fixture
            .timeline()
            .page(ReadFixture.key(i % PAGES), fixture.timeline().lastRecordLsn(), page);
        times[i] = (System.nanoTime() - begin) / 1e3;
        if (i % PAGES == PAGES - 1 && i < READS / 2) {
          fixture.change(PAGES, PAGES);
        }
      }
      double[] warm = Arrays.copyOfRange(times, READS / 2, READS);
      Arrays.sort(warm);
      return new double[] {warm[warm.length / 2], warm[warm.length * 99 / 100]};
    }
  }
}
