package dev.varve.datadir;

import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.postgres.PgVersion;
import dev.varve.redo.Redo;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.timeline.CommitClock;
import dev.varve.timeline.DataModel;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.SplittableRandom;

/// Real timelines in a folder, with real redo.
public final class TestTimelines implements AutoCloseable {

  private final Path folder;
  private final TimelineSettings settings;
  private final SplittableRandom ids = new SplittableRandom(7);
  private TaskManager tasks;
  private Tenants tenants;

  public TestTimelines(Path folder, long memory) throws IOException {
    this(folder, TimelineSettings.ofMemory(memory));
  }

  public TestTimelines(Path folder, TimelineSettings settings) throws IOException {
    this.folder = folder;
    this.settings = settings;
    this.tasks = newTasks();
    this.tenants = open();
  }

  public TestTimelines(Path folder) throws IOException {
    this(folder, 64L << 20);
  }

  private static TaskManager newTasks() {
    return new TaskManager(new RealThreads(InstantSource.system(), 2), Duration.ofSeconds(30));
  }

  private Tenants open() throws IOException {
    return Tenants.open(
        folder,
        new DataModel(
            major -> new Redo(PgVersion.ofMajor(major))::apply,
            CommitClock.NONE,
            new DirectoryRules()),
        tasks,
        settings);
  }

  public Timeline create(String name, PgVersion version, Lsn start) {
    return tenants.createRoot(
        new TenantId(ids.nextLong(), ids.nextLong()),
        new TimelineId(ids.nextLong(), ids.nextLong()),
        name,
        version.major(),
        start,
        Map.of());
  }

  public Timeline branch(Timeline ancestor, String name, Lsn at) {
    return tenants.branch(ancestor, new TimelineId(ids.nextLong(), ids.nextLong()), name, at);
  }

  public void delete(Timeline timeline) {
    tenants.delete(timeline);
  }

  public Timeline find(String name) {
    return tenants.find(name).orElseThrow();
  }

  /// Closes all, and opens it again.
  public void restart() throws IOException {
    close();
    tasks = newTasks();
    tenants = open();
  }

  @Override
  public void close() throws IOException {
    tenants.close();
    tasks.close();
  }
}
