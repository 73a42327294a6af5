package dev.varve.server.imports;

import dev.varve.model.PageserverException;
import dev.varve.model.PageserverException.Conflict;
import dev.varve.model.PageserverException.NotFound;
import dev.varve.model.TimelineId;
import dev.varve.server.follow.Receivers;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import dev.varve.timeline.Tenants;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.Environment;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// All imports under way, and the latest of those that ended. Each is a task. Thread-safe.
public final class Imports {

  private static final System.Logger LOG = System.getLogger(Imports.class.getName());
  private static final int REMEMBERED = 64;
  private static final int AT_ONCE = 4;

  private final Path scratch;
  private final Tenants tenants;
  private final Receivers receivers;
  private final TaskManager tasks;
  private final SecureRandom ids = new SecureRandom();
  private final Map<String, ImportJob> jobs = new LinkedHashMap<>();

  /// @param scratch a folder for what is needed during an import only; what an import that was
  ///   killed has left there is deleted
  public static Imports open(Path scratch, Tenants tenants, Receivers receivers, TaskManager tasks)
      throws IOException {
    Files.createDirectories(scratch);
    try (Stream<Path> left = Files.walk(scratch)) {
      for (Path path : left.sorted(Comparator.reverseOrder()).toList()) {
        if (!path.equals(scratch)) {
          Files.delete(path);
        }
      }
    }
    return new Imports(scratch, tenants, receivers, tasks);
  }

  private Imports(Path scratch, Tenants tenants, Receivers receivers, TaskManager tasks) {
    this.scratch = scratch;
    this.tenants = tenants;
    this.receivers = receivers;
    this.tasks = tasks;
  }

  /// Does the work of one import, and leaves nothing when it fails.
  interface Work {
    void run(ImportJob job, TimelineId id) throws IOException, InterruptedException;
  }

  /// Begins to take in the running server that a connection string names; it is followed from then
  /// on.
  ///
  /// @throws IllegalArgumentException when it is no connection string
  public ImportJob online(String name, String source) {
    return begin(name, new OnlineImport(parse(source), tenants, receivers)::run);
  }

  /// The client has completed it; this server's own environment has no say in it.
  private static ConnectionInfo parse(String source) {
    return ConnectionInfo.parse(source, Environment.ofHome());
  }

  /// Begins to take in a base backup from this machine's disk.
  ///
  /// @param wal a folder with WAL segments; null when the backup has all it needs
  public ImportJob backup(String name, Path tar, @Nullable Path wal) {
    return begin(name, new OfflineImport(tar, wal, scratch, tenants)::run);
  }

  private ImportJob begin(String name, Work work) {
    var id = new TimelineId(ids.nextLong(), ids.nextLong());
    var job = new ImportJob(id.toString(), name);
    synchronized (jobs) {
      if (tenants.find(name).isPresent() || isUnderWay(name)) {
        throw new Conflict("there is a timeline " + name + " already; choose another --name");
      }
      if (jobs.values().stream().filter(j -> !j.ended()).count() >= AT_ONCE) {
        throw new Conflict(AT_ONCE + " imports are under way; wait until one has ended");
      }
      jobs.put(job.id(), job);
      if (jobs.size() > REMEMBERED) {
        jobs.values().removeIf(old -> old.ended() && jobs.size() > REMEMBERED);
      }
    }
    tasks.submit(TaskSpec.once(TaskKind.IMPORT, "import " + name, _ -> run(job, id, work)));
    return job;
  }

  private boolean isUnderWay(String name) {
    return jobs.values().stream().anyMatch(job -> !job.ended() && job.name().equals(name));
  }

  private static void run(ImportJob job, TimelineId id, Work work) throws InterruptedException {
    try {
      work.run(job, id);
      job.done();
    } catch (IOException | PageserverException e) {
      job.failed(sentence(e));
    } catch (InterruptedException e) {
      job.failed("the server was stopped during the import; import again");
      throw e;
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "importing " + job.name() + " failed", e);
      job.failed("the import failed unexpectedly, the server's log says how: " + e);
    }
  }

  /// What failed, and what could not be cleared away after it.
  private static String sentence(Exception failure) {
    var sentence = new StringBuilder(reason(failure));
    for (Throwable left : failure.getSuppressed()) {
      sentence.append("; besides: ").append(reason(left));
    }
    return sentence.toString();
  }

  /// The message of many a failure of files is the file alone.
  private static String reason(Throwable failure) {
    return switch (failure) {
      case NoSuchFileException e -> "there is no file " + e.getFile();
      case AccessDeniedException e -> "the server may not read or write " + e.getFile();
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }

  /// @throws NotFound when there is no such import
  public ImportJob find(String id) {
    synchronized (jobs) {
      ImportJob job = jobs.get(id);
      if (job == null) {
        throw new NotFound("there is no import " + id + "; the server may have been restarted");
      }
      return job;
    }
  }
}
