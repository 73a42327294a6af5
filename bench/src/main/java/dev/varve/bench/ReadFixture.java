package dev.varve.bench;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.PageCache;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/// A timeline of {@link #PAGES} pages in one image layer, and perhaps changes on top of them. A
/// change writes its bytes over some of the page: redo costs next to nothing.
final class ReadFixture implements AutoCloseable {

  static final int PAGES = 4096;

  private static final int PAGE = 8192;
  private static final Lsn START = new Lsn(0x1000);

  private final TaskManager tasks =
      new TaskManager(new RealThreads(InstantSource.system(), 2), Duration.ofSeconds(30));
  private final Path folder;
  private final Tenants tenants;
  private final Timeline timeline;

  /// @param pageCache in bytes
  ReadFixture(Path folder, long pageCache) throws IOException {
    this.folder = folder;
    tenants =
        Tenants.open(
            folder,
            _ -> ReadFixture::apply,
            tasks,
            new TimelineSettings(384L << 20, 256L << 20, 64L << 20, Duration.ofMinutes(10), 2)
                .withPageCache(pageCache));
    timeline = tenants.find("read").orElseGet(this::make);
  }

  private static void apply(Key key, long lsn, MemorySegment page, MemorySegment change) {
    MemorySegment.copy(change, 0, page, lsn % 100 * 50, change.byteSize());
  }

  private Timeline make() {
    Timeline made =
        tenants.createRoot(new TenantId(1, 1), new TimelineId(1, 1), "read", 15, START, Map.of());
    var random = new SplittableRandom(1);
    MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);
    try (ImageLoad load = made.imageLoad(START)) {
      for (int i = 0; i < PAGES; i++) {
        for (int at = 0; at < PAGE; at += 8) {
          page.set(ValueLayout.JAVA_LONG_UNALIGNED, at, random.nextLong());
        }
        Key key = key(i);
        load.image(key.upper(), key.middle(), key.lower(), page, 0, PAGE);
      }
      load.finish();
    }
    made.markImported(START);
    return made;
  }

  static Key key(int block) {
    return new Key(0, 1663, 5, 16384, 0, block);
  }

  Timeline timeline() {
    return timeline;
  }

  PageCache pageCache() {
    return tenants.pageCache();
  }

  Lsn start() {
    return START;
  }

  /// Takes in `records` changes of 100 bytes, of pages `0` to `pages - 1` in turn.
  void change(int records, int pages) {
    MemorySegment change = Arena.ofAuto().allocate(100).fill((byte) 7);
    try (Ingest ingest = timeline.ingest()) {
      long lsn = timeline.lastRecordLsn().value();
      for (int i = 0; i < records; i++) {
        lsn += 8;
        Key key = key(i % pages);
        ingest.change(key.upper(), key.middle(), key.lower(), lsn, false, change, 0, 100);
        ingest.advance(lsn);
      }
    }
  }

  /// The largest layer file, which is the one of images.
  Path imageLayer() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .max((a, b) -> Long.compare(size(a), size(b)))
          .orElseThrow();
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    try (tasks;
        tenants) {
      // Tenants first, then the tasks that they use.
    }
  }
}
