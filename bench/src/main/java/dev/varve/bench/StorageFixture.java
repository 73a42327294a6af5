package dev.varve.bench;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskThreads;
import dev.varve.timeline.DataModel;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Remote;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Timelines of pages that mean nothing, for measures of storage alone: a change lays its bytes
/// over some of the page, so that redo costs next to nothing.
final class StorageFixture implements AutoCloseable {

  static final int PAGE = 8192;
  static final Lsn START = new Lsn(0x1000);

  private final TaskManager tasks;
  private final Tenants tenants;
  private long ids;

  StorageFixture(Path folder, TimelineSettings settings) throws IOException {
    this(folder, settings, _ -> null);
  }

  /// @param remote gives the object store
  StorageFixture(
      Path folder, TimelineSettings settings, Function<TaskThreads, @Nullable Remote> remote)
      throws IOException {
    var threads = new RealThreads(InstantSource.system(), 2);
    tasks = new TaskManager(threads, Duration.ofSeconds(30));
    tenants =
        Tenants.open(
            folder,
            DataModel.of(_ -> StorageFixture::apply),
            tasks,
            settings,
            remote.apply(threads));
  }

  private static void apply(Key key, long lsn, MemorySegment page, MemorySegment change) {
    MemorySegment.copy(change, 0, page, (lsn >>> 3) % 64 * 100, change.byteSize());
  }

  Tenants tenants() {
    return tenants;
  }

  static Key key(int block) {
    return new Key(0, 1663, 5, 16384, 0, block);
  }

  /// A timeline of `pages` pages, half of whose bytes are random.
  Timeline make(String name, int pages) {
    ids++;
    Timeline made =
        tenants.createRoot(new TenantId(1, ids), new TimelineId(1, ids), name, 15, START, Map.of());
    var page = new RandomPage(ids);
    try (ImageLoad load = made.imageLoad(START)) {
      for (int i = 0; i < pages; i++) {
        Key key = key(i);
        load.image(key.upper(), key.middle(), key.lower(), page.next(), 0, PAGE);
      }
      load.finish();
    }
    made.markImported(START);
    return made;
  }

  /// Pages of which one half is random, as in a table that is not packed.
  static final class RandomPage {

    private final SplittableRandom random;
    private final MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);

    RandomPage(long seed) {
      random = new SplittableRandom(seed);
    }

    MemorySegment next() {
      for (int at = 0; at < PAGE / 2; at += Long.BYTES) {
        page.set(ValueLayout.JAVA_LONG_UNALIGNED, at, random.nextLong());
      }
      return page;
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
