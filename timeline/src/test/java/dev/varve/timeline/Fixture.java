package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;

/// Tenants with real threads, on any file system.
final class Fixture implements AutoCloseable {

  static final TenantId TENANT = new TenantId(0xA, 0xB);
  static final long START = 0x1000;

  final TaskManager tasks =
      new TaskManager(new RealThreads(InstantSource.system(), 2), Duration.ofSeconds(10));
  final Tenants tenants;
  private long ids = System.nanoTime();

  Fixture(Path data, TimelineSettings settings) throws IOException {
    Tenants opened;
    try {
      opened = Tenants.open(data, _ -> new HashRedo(), tasks, settings);
    } catch (IOException e) {
      tasks.close();
      throw e;
    }
    tenants = opened;
  }

  static TimelineSettings settings(long layerMemory, long distance) {
    return new TimelineSettings(layerMemory, 1 << 20, distance, Duration.ofMinutes(10), 2);
  }

  TimelineId newId() {
    return new TimelineId(1, ids++);
  }

  /// A timeline that is imported, with one page at its start.
  Timeline root(String name) {
    Timeline timeline = importing(name);
    try (Ingest ingest = timeline.ingest()) {
      putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    timeline.markImported(new Lsn(START));
    return timeline;
  }

  Timeline importing(String name) {
    return tenants.createRoot(TENANT, newId(), name, 17, new Lsn(START), Map.of());
  }

  static Key key(int block) {
    return new Key(0, 1663, 5, 16384, 0, block);
  }

  static void putImage(Ingest ingest, int block, long lsn, long value) {
    Key key = key(block);
    ingest.image(key.upper(), key.middle(), key.lower(), lsn, HashRedo.image(value, lsn), 0, 8192);
  }

  static void putChange(Ingest ingest, int block, long lsn, long value) {
    Key key = key(block);
    MemorySegment change = HashRedo.change(value);
    int size = (int) change.byteSize();
    ingest.change(key.upper(), key.middle(), key.lower(), lsn, false, change, 0, size);
  }

  /// The hash of a page.
  static long read(Timeline timeline, int block, long lsn) {
    MemorySegment page = Arena.ofAuto().allocate(8192);
    timeline.page(key(block), new Lsn(lsn), page);
    return page.get(java.lang.foreign.ValueLayout.JAVA_LONG, 0);
  }

  @Override
  public void close() throws IOException {
    tenants.close();
    tasks.close();
  }
}
