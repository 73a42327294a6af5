package dev.varve.bench;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.redo.Redo;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// One operation is one page: the base copied, and every change of its chain applied.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class RedoBenchmark {

  /// A file that {@link RedoChains} wrote.
  @Param({})
  public String chains = "";

  private final Redo redo = new Redo(PgVersion.V15);
  private List<RedoChains.Chain> pages = List.of();

  /// A thread's page, and which chain is next.
  @State(Scope.Thread)
  public static class Worker {
    final MemorySegment page = Arena.global().allocate(Page.SIZE, 4096);
    int next;
  }

  @Setup
  public void read() throws IOException {
    pages = RedoChains.read(Path.of(chains), Arena.global());
  }

  @Benchmark
  public MemorySegment page(Worker worker) {
    pages.get(worker.next++ % pages.size()).replay(redo, worker.page);
    return worker.page;
  }
}
