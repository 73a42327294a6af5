package dev.varve.bench;

import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.timeline.PageFailures;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// One operation is a read of one page, or of 32 neighbours, from an image layer whose blocks are
/// in the block cache; beside it plain reads of as many bytes from the same file, which is in the
/// operating system's cache, into native memory.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-Xmx1g"})
public class ReadBenchmark {

  static final int BATCH = 32;

  private static final int PAGE = 8192;

  private static final PageFailures NONE =
      (int _, PageserverException failure) -> {
        throw failure;
      };

  /// A folder for a timeline.
  @Param({})
  public String folder = "";

  private final MemorySegment pages = Arena.global().allocate(BATCH * PAGE, 4096);
  private final ByteBuffer buffer = pages.asByteBuffer();
  private final SplittableRandom random = new SplittableRandom(5);
  private final List<List<Key>> batches = new ArrayList<>();

  @SuppressWarnings("NullAway.Init")
  private ReadFixture fixture;

  @SuppressWarnings("NullAway.Init")
  private FileChannel file;

  private long fileSize;

  @Setup
  public void open() throws IOException {
    fixture = new ReadFixture(Path.of(folder), 0);
    file = FileChannel.open(fixture.imageLayer(), StandardOpenOption.READ);
    fileSize = file.size();
    for (int first = 0; first + BATCH <= ReadFixture.PAGES; first += BATCH) {
      List<Key> keys = new ArrayList<>();
      for (int i = 0; i < BATCH; i++) {
        keys.add(ReadFixture.key(first + i));
      }
      batches.add(keys);
      fixture.timeline().pages(keys, fixture.start(), pages, NONE); // into the block cache
    }
  }

  @TearDown
  public void close() throws IOException {
    file.close();
    fixture.close();
  }

  @Benchmark
  public int preadOfPage() throws IOException {
    return pread(PAGE);
  }

  @Benchmark
  public int preadOf32Pages() throws IOException {
    return pread(BATCH * PAGE);
  }

  private int pread(int length) throws IOException {
    long at = random.nextLong((fileSize - length) / PAGE) * PAGE;
    return file.read(buffer.clear().limit(length), at);
  }

  @Benchmark
  public MemorySegment page() {
    Key key = ReadFixture.key(random.nextInt(ReadFixture.PAGES));
    fixture.timeline().page(key, fixture.start(), pages);
    return pages;
  }

  @Benchmark
  public MemorySegment batch() {
    List<Key> keys = batches.get(random.nextInt(batches.size()));
    fixture.timeline().pages(keys, fixture.start(), pages, NONE);
    return pages;
  }
}
