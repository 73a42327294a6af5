package dev.varve.bench;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.timeline.HistoricLayer;
import dev.varve.timeline.HistoricLayers;
import dev.varve.timeline.LayerSearch;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/// Searches in a layer map, at random keys that some layer holds.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 300, timeUnit = TimeUnit.MILLISECONDS)
@Fork(1)
public class LayerMapBenchmark {

  private static final int QUERIES = 1 << 14;
  private static final int BATCH = 32;
  private static final int WALK = 8;

  /// Which layers.
  @Param({"REAL_5651", "REAL_26690", "TILES_100000", "REPEATED_106760"})
  public String layers = "";

  /// Whether at the newest LSN; otherwise at a random one.
  @Param({"false", "true"})
  public boolean tip;

  private HistoricLayers map = HistoricLayers.of(List.of());
  private final long[] uppers = new long[QUERIES];
  private final long[] middles = new long[QUERIES];
  private final long[] lowers = new long[QUERIES];
  private final long[] ends = new long[QUERIES];

  /// A thread's search, and which query is next.
  @State(Scope.Thread)
  public static class Searcher {
    final LayerSearch search = new LayerSearch();
    int next;
  }

  @Setup
  public void load() {
    List<HistoricLayer> files = LayerSets.valueOf(layers).layers();
    map = HistoricLayers.of(files);
    long first = files.stream().mapToLong(f -> f.lsns().start().value()).min().orElseThrow();
    long last = files.stream().mapToLong(f -> f.lsns().end().value()).max().orElseThrow();
    var random = new SplittableRandom(1);
    for (int i = 0; i < QUERIES; i++) {
      Key key = key(files.get(random.nextInt(files.size())).keys(), random);
      uppers[i] = key.upper();
      middles[i] = key.middle();
      lowers[i] = key.lower();
      ends[i] = tip ? last : random.nextLong(first + 1, last + 1);
    }
  }

  private static Key key(KeyRange keys, SplittableRandom random) {
    Key start = keys.start();
    Key end = keys.end();
    if (start.upper() != end.upper()
        || start.middle() != end.middle()
        || start.fork() != end.fork()
        || start.block() < 0
        || end.block() < start.block()) {
      return start;
    }
    int block = random.nextInt(start.block(), end.block());
    return new Key(
        start.kind(), start.tablespace(), start.database(), start.relation(), start.fork(), block);
  }

  /// The newest layer.
  @Benchmark
  public boolean search(Searcher thread) {
    int i = thread.next++ & QUERIES - 1;
    thread.search.start(map, uppers[i], middles[i], lowers[i], ends[i]);
    return thread.search.next();
  }

  /// The eight newest layers.
  @Benchmark
  public void walk(Searcher thread, Blackhole hole) {
    int i = thread.next++ & QUERIES - 1;
    thread.search.start(map, uppers[i], middles[i], lowers[i], ends[i]);
    for (int n = 0; n < WALK && thread.search.next(); n++) {
      hole.consume(thread.search.file());
    }
  }

  /// The newest layer, of each of 32 neighbouring keys.
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public int neighbours(Searcher thread) {
    int i = thread.next++ & QUERIES - 1;
    int found = 0;
    for (int n = 0; n < BATCH; n++) {
      thread.search.start(map, uppers[i], middles[i], lowers[i] + n, ends[i]);
      found += thread.search.next() ? 1 : 0;
    }
    return found;
  }
}
