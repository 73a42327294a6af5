package dev.varve.bench;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// What was measured, as a Markdown table.
final class Results {

  private final List<String> rows = new ArrayList<>();

  /// A work whose rate or time is measured.
  interface Run {
    /// @return the figure of one run
    double measure() throws Exception;
  }

  /// Runs ours and the peer's in turn, and notes the medians.
  ///
  /// @param higherIsBetter whether the figures are rates; otherwise they are times
  void compare(
      String measure, String unit, int runs, boolean higherIsBetter, Run ours, String peer, Run its)
      throws Exception {
    double[] we = new double[runs];
    double[] they = new double[runs];
    for (int i = 0; i < runs; i++) {
      they[i] = its.measure();
      we[i] = ours.measure();
    }
    note(measure, unit, median(we), peer, median(they), higherIsBetter, runs);
  }

  void note(
      String measure,
      String unit,
      double ours,
      String peer,
      double its,
      boolean higherIsBetter,
      int runs) {
    double ratio = higherIsBetter ? ours / its : its / ours;
    rows.add(
        String.format(
            Locale.ROOT,
            "| %s | %s %s | %s: %s | %.2f | %d |",
            measure,
            figure(ours),
            unit,
            peer,
            figure(its),
            ratio,
            runs));
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static String figure(double value) {
    return String.format(Locale.ROOT, value >= 100 ? "%,.0f" : "%.2f", value);
  }

  void print(PrintStream out) {
    out.println("| measure | Varve | beside | times as good | runs |");
    out.println("|---|--:|--:|--:|--:|");
    rows.forEach(out::println);
    out.printf(
        Locale.ROOT,
        "%nJava %s, %d processors, load average %.1f%n",
        Runtime.version(),
        Runtime.getRuntime().availableProcessors(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
  }
}
