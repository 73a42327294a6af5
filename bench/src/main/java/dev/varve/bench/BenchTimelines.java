package dev.varve.bench;

import dev.varve.datadir.backup.BackupImport;
import dev.varve.datadir.backup.ImportProgress;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.postgres.PgVersion;
import dev.varve.redo.Redo;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskThreads;
import dev.varve.timeline.DataModel;
import dev.varve.timeline.Remote;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Timelines in a folder, with the memory that a server of 1 GiB gives them.
final class BenchTimelines implements AutoCloseable {

  private static final long LAYER_MEMORY = 384L << 20;
  private static final int COMPUTING_THREADS = 2;

  private final TaskManager tasks;
  private final Tenants tenants;
  private long ids;

  BenchTimelines(Path folder) throws IOException {
    this(folder, _ -> null);
  }

  /// @param remote gives the object store
  BenchTimelines(Path folder, Function<TaskThreads, @Nullable Remote> remote) throws IOException {
    var threads = new RealThreads(InstantSource.system(), COMPUTING_THREADS);
    tasks = new TaskManager(threads, Duration.ofSeconds(30));
    tenants =
        Tenants.open(
            folder,
            DataModel.of(major -> new Redo(PgVersion.ofMajor(major))::apply),
            tasks,
            new TimelineSettings(LAYER_MEMORY, 128L << 20, 64L << 20, Duration.ofMinutes(10), 2),
            remote.apply(threads));
  }

  Tenants tenants() {
    return tenants;
  }

  /// Takes in the data directory of a stopped server, readable as of its last checkpoint.
  Timeline importDirectory(String name, Path directory, Lsn start) throws IOException {
    ids++;
    Timeline timeline =
        tenants.createRoot(new TenantId(1, ids), new TimelineId(1, ids), name, 15, start, Map.of());
    try (var files = new BackupImport(timeline, ImportProgress.NONE);
        Stream<Path> paths = Files.walk(directory)) {
      List<Path> all = paths.filter(Files::isRegularFile).toList();
      for (Path path : all) {
        try (InputStream in = Files.newInputStream(path)) {
          files.file(0, directory.relativize(path).toString(), Files.size(path), in);
        }
      }
      files.finish();
    }
    return timeline;
  }

  Timeline branch(Timeline ancestor, Lsn at) {
    ids++;
    return tenants.branch(ancestor, new TimelineId(2, ids), "branch-" + ids, at);
  }

  @Override
  public void close() throws IOException {
    try (tasks;
        tenants) {
      // Tenants first, then the tasks that they use.
    }
  }
}
