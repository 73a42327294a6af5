package dev.varve.bench;

import dev.varve.layer.LayerName;
import dev.varve.model.LsnRange;
import dev.varve.timeline.HistoricLayer;
import dev.varve.timeline.HistoricLayers;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/// The layer map of two real timelines and of 100,000 layers, beside the limits that are set for
/// it: searches ({@link LayerMapBenchmark}, by JMH), changes, loading, and heap.
final class LayerMapBench {

  private static final int CHANGES = 20_000;
  private static final int LOADS = 7;
  private static final String LIMIT = "limit";

  private LayerMapBench() {}

  static void run(Results results) throws RunnerException {
    searches(results);
    structure(results);
  }

  /// All but the searches: loads, heap, changes.
  static void structure(Results results) {
    for (LayerSets set : List.of(LayerSets.TILES_100000, LayerSets.REPEATED_106760)) {
      List<HistoricLayer> layers = set.layers();
      loads(results, set, layers);
      heap(results, set, layers);
      changes(results, set, layers);
    }
    heap(results, LayerSets.REAL_5651, LayerSets.REAL_5651.layers());
    heap(results, LayerSets.REAL_26690, LayerSets.REAL_26690.layers());
  }

  private static void searches(Results results) throws RunnerException {
    var options =
        new OptionsBuilder()
            .include(LayerMapBenchmark.class.getName())
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .build();
    for (RunResult run : new Runner(options).run()) {
      boolean tip = Boolean.parseBoolean(run.getParams().getParam("tip"));
      String what =
          "layer map, %s: %s, %s"
              .formatted(
                  run.getParams().getParam("layers").toLowerCase(Locale.ROOT),
                  run.getPrimaryResult().getLabel(),
                  tip ? "at the tip" : "at random LSNs");
      results.note(what, "ns", run.getPrimaryResult().getScore(), LIMIT, 150, false, 5);
    }
  }

  private static void loads(Results results, LayerSets set, List<HistoricLayer> layers) {
    double[] milliseconds = new double[LOADS];
    for (int i = 0; i < LOADS; i++) {
      long start = cpuNanos();
      HistoricLayers map = HistoricLayers.of(layers);
      milliseconds[i] = (cpuNanos() - start) / 1e6;
      requireAll(map, layers);
    }
    note(results, set, "the first load", "ms CPU", milliseconds[0], 1000);
    note(results, set, "load", "ms CPU", Results.median(milliseconds), 1000);
  }

  /// The time of this thread alone, as other processes do not belong to the figures.
  private static long cpuNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static void heap(Results results, LayerSets set, List<HistoricLayer> layers) {
    long before = usedHeap();
    HistoricLayers map = HistoricLayers.of(layers);
    double bytes = (double) (usedHeap() - before) / layers.size();
    requireAll(map, layers);
    note(results, set, "heap of the map for a layer", "bytes", bytes, 200);
  }

  private static void requireAll(HistoricLayers map, List<HistoricLayer> layers) {
    if (map.size() != layers.size()) {
      throw new IllegalStateException(map.size() + " layers instead of " + layers.size());
    }
  }

  private static long usedHeap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  /// Each change takes two layers out and puts two in, as a merge does with more at a time.
  private static void changes(Results results, LayerSets set, List<HistoricLayer> layers) {
    HistoricLayers map = HistoricLayers.of(layers);
    var present = new ArrayList<>(layers);
    double[] microseconds = new double[CHANGES];
    for (int i = 0; i < CHANGES; i++) {
      int at = (int) ((i * 7919L) % (layers.size() / 2)) * 2;
      List<HistoricLayer> gone = List.copyOf(present.subList(at, at + 2));
      List<HistoricLayer> more = gone.stream().map(file -> later(file.entry().name())).toList();
      long start = cpuNanos();
      map = map.changed(more, gone);
      microseconds[i] = (cpuNanos() - start) / 1e3;
      present.set(at, more.get(0));
      present.set(at + 1, more.get(1));
    }
    requireAll(map, layers);
    Arrays.sort(microseconds);
    note(results, set, "a change, median", "us CPU", microseconds[CHANGES / 2], 1000);
    note(results, set, "a change, p99.9", "us CPU", microseconds[CHANGES - CHANGES / 1000], 1000);
    note(results, set, "a change, slowest", "us CPU", microseconds[CHANGES - 1], 1000);
  }

  /// A layer of about the same keys, newer.
  private static HistoricLayer later(LayerName name) {
    var lsns = new LsnRange(name.lsns().start().plus(3), name.lsns().end().plus(3));
    return LayerSets.file(new LayerName(name.kind(), name.keys(), lsns));
  }

  private static void note(
      Results results, LayerSets set, String what, String unit, double ours, double limit) {
    String measure = "layer map, " + set.name().toLowerCase(Locale.ROOT) + ": " + what;
    results.note(measure, unit, ours, LIMIT, limit, false, 1);
  }
}
