package dev.varve.timeline;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;

/// Everything under the data directory: all tenants and their timelines. Any thread may call any
/// method.
@SuppressWarnings("DoNotCallSuggester")
public final class Tenants implements AutoCloseable {

  private Tenants() {}

  /// Opens the data directory, which is made if it does not exist, and all timelines in it. The
  /// directory is locked while it is open.
  ///
  /// A timeline that can't be used is {@linkplain TimelineState.Broken broken}; the others are not
  /// harmed.
  ///
  /// @param redo what brings a page forward, for each major version of PostgreSQL
  /// @throws IOException when the directory can't be used, or another process uses it
  public static Tenants open(
      Path data, IntFunction<PageRedo> redo, TaskManager tasks, TimelineSettings settings)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /// Makes a new timeline without an ancestor, and its tenant. It is {@linkplain
  /// TimelineState.Importing importing} until {@link Timeline#markImported}.
  ///
  /// @param start where its WAL will begin
  /// @throws PageserverException.Conflict when the name or the id is in use
  public Timeline createRoot(
      TenantId tenant,
      TimelineId id,
      String name,
      int pgVersion,
      Lsn start,
      Map<String, String> properties) {
    throw new UnsupportedOperationException();
  }

  /// Makes a timeline that has its ancestor's history up to `at`, and its own after; it costs the
  /// same whatever the size of the data. It is durable on return.
  ///
  /// @throws PageserverException.InvalidRequest when `at` is in the future or no longer readable
  /// @throws PageserverException.Conflict when the name or the id is in use
  public Timeline branch(Timeline ancestor, TimelineId id, String name, Lsn at) {
    throw new UnsupportedOperationException();
  }

  public Collection<Timeline> timelines() {
    throw new UnsupportedOperationException();
  }

  public Optional<Timeline> find(String name) {
    throw new UnsupportedOperationException();
  }

  public Optional<Timeline> find(TenantId tenant, TimelineId id) {
    throw new UnsupportedOperationException();
  }

  /// Deletes a timeline and its files.
  ///
  /// @throws PageserverException.Conflict when it has branches, naming them
  public void delete(Timeline timeline) {
    throw new UnsupportedOperationException();
  }

  /// Makes everything durable, as far as the disk lets it, and closes all files.
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
