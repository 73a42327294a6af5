package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.layer.BlockCache;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.MemoryBudget;
import dev.varve.layer.RemoteLayers;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Everything under the data directory: all tenants and their timelines. Any thread may call any
/// method.
public final class Tenants implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Tenants.class.getName());

  private static final int MOST_OPEN_FILES = 512;

  /// What is read before it is asked for has this part of what the block cache has.
  private static final int BATCHES_PART = 16;

  /// How long the start waits for the object store.
  private static final Duration ATTACH_LIMIT = Duration.ofSeconds(5);

  /// How long {@link #close()} waits for data to become durable.
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(60);

  private final DirectoryLock lock;
  private final Shared shared;
  private final Map<TimelineKey, Timeline> timelines;
  private final Branching branching;
  private final Deletion deletion;
  private final Stopping stopping;
  private final Reloading reloading;
  private final Attaching attaching;
  private final Detaching detaching;
  private final Configuring configuring;
  private final Housekeeping housekeeping;

  private Tenants(
      DirectoryLock lock,
      Shared shared,
      Map<TimelineKey, Timeline> timelines,
      TenantFiles files,
      List<Path> leftOver,
      BackPressure backPressure) {
    this.lock = lock;
    this.shared = shared;
    this.timelines = timelines;
    branching = new Branching(files, timelines, backPressure, shared);
    deletion = new Deletion(files, timelines, shared);
    stopping = new Stopping(shared);
    reloading = new Reloading(files, timelines, branching, backPressure, shared);
    detaching = new Detaching(files, timelines, branching, stopping, deletion, shared);
    attaching =
        new Attaching(files, timelines, branching, detaching, reloading, backPressure, shared);
    configuring = new Configuring(timelines.values(), shared);
    timelines.values().forEach(reloading::watch);
    leftOver.forEach(deletion::deleteLeftOver);
    housekeeping = new Housekeeping(timelines.values(), backPressure, shared);
  }

  /// Opens the data directory, which is made if it does not exist, and all timelines in it. The
  /// directory is locked while it is open.
  ///
  /// A timeline that can't be used is {@linkplain TimelineState.Broken broken}; the others are not
  /// harmed. It is tried again from time to time, and may then be another object.
  ///
  /// @param redo what brings a page forward, for each major version of PostgreSQL
  /// @throws IOException when the directory can't be used, or another process uses it
  public static Tenants open(
      Path data, IntFunction<PageRedo> redo, TaskManager tasks, TimelineSettings settings)
      throws IOException {
    return open(data, DataModel.of(redo), tasks, settings);
  }

  /// As the other.
  ///
  /// @param model what is stored
  public static Tenants open(
      Path data, DataModel model, TaskManager tasks, TimelineSettings settings) throws IOException {
    return open(data, model, tasks, settings, null);
  }

  /// As the others, with an object store that follows what is in the directory. If that can't be
  /// reached, the directory alone will do, and the store follows when it can.
  ///
  /// @param remote where the tenants are kept for good; null: only in the directory
  public static Tenants open(
      Path data,
      DataModel model,
      TaskManager tasks,
      TimelineSettings settings,
      @Nullable Remote remote)
      throws IOException {
    DurableFile.createDirectories(data);
    DirectoryLock lock = DirectoryLock.take(data);
    StoredLayers stored = remote == null ? null : new StoredLayers(remote.storage(), tasks);
    var layerFiles =
        new LayerFiles(
            new BlockCache(settings.blockCache()),
            MOST_OPEN_FILES,
            tasks.clock(),
            stored == null ? RemoteLayers.none() : stored);
    try {
      var files = new TenantFiles(data);
      var records = new TenantRecords(files);
      var budget = new MemoryBudget(settings.layerMemory());
      var shared =
          new Shared(
              tasks,
              settings,
              budget,
              layerFiles,
              model,
              ConcurrentHashMap.newKeySet(),
              new PageCache(settings.pageCache()),
              new PageBuilders(),
              new BatchBuffers(settings.blockCache() / BATCHES_PART),
              new Signal(),
              records,
              remote == null || stored == null
                  ? null
                  : new RemoteTenants(remote, files, records, tasks, stored));
      Map<TimelineKey, Timeline> timelines = new ConcurrentHashMap<>();
      var backPressure = new BackPressure(shared, timelines.values());
      var loading = new Loading(files, shared, backPressure);
      for (Timeline timeline : loading.all()) {
        timelines.put(TimelineKey.of(timeline.identity()), timeline);
      }
      List<TenantId> present = files.tenants();
      var tenants = new Tenants(lock, shared, timelines, files, loading.leftOver(), backPressure);
      tenants.attach(present, data);
      return tenants;
    } catch (IOException | RuntimeException e) {
      layerFiles.close();
      lock.close();
      throw e;
    }
  }

  private void attach(List<TenantId> present, Path data) {
    RemoteTenants remote = shared.remote();
    if (remote != null) {
      remote.cache(data, timelines, shared);
      try {
        remote.begin(present, ATTACH_LIMIT);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /// Makes a new timeline without an ancestor, and its tenant. It is {@linkplain
  /// TimelineState.Importing importing} until {@link Timeline#markImported}.
  ///
  /// @param start where its WAL will begin
  /// @param properties small facts to be kept with it
  /// @throws PageserverException.Conflict when the name or the id is in use
  public Timeline createRoot(
      TenantId tenant,
      TimelineId id,
      String name,
      int pgVersion,
      Lsn start,
      Map<String, String> properties) {
    Instant now = shared.tasks().clock().instant();
    return branching.createRoot(
        new TimelineIdentity(
            tenant, id, name, pgVersion, Optional.empty(), start, now, properties));
  }

  /// Checks whether a timeline can be branched at an LSN.
  ///
  /// @throws PageserverException.InvalidRequest when that is not in its history
  /// @throws PageserverException.Conflict while it is being imported
  public static void requireBranchPoint(Timeline ancestor, Lsn at) {
    Branching.requireBranchPoint(ancestor, at);
  }

  /// Makes a timeline that has its ancestor's history up to `at`, and its own after; it costs the
  /// same whatever the size of the data. It is durable on return.
  ///
  /// @throws PageserverException.InvalidRequest when `at` is in the future or no longer readable
  /// @throws PageserverException.Conflict when the name or the id is in use
  public Timeline branch(Timeline ancestor, TimelineId id, String name, Lsn at) {
    return branching.branch(ancestor, id, name, at);
  }

  /// All there are, also those that are broken.
  public Collection<Timeline> timelines() {
    return List.copyOf(timelines.values());
  }

  public Optional<Timeline> find(String name) {
    return timelines.values().stream().filter(timeline -> timeline.name().equals(name)).findFirst();
  }

  public Optional<Timeline> find(TenantId tenant, TimelineId id) {
    return Optional.ofNullable(timelines.get(new TimelineKey(tenant, id)));
  }

  /// Deletes a timeline and its files. Once it is on its way it is gone, even if the server ends;
  /// should its files resist, it is {@linkplain TimelineState.Deleting there} until they are gone.
  ///
  /// @throws PageserverException.Conflict when it has branches, naming them
  public void delete(Timeline timeline) {
    deletion.delete(timeline);
  }

  /// Ends all that goes on in a timeline, makes everything durable, and refuses reads from then on,
  /// also after a restart, until it is {@linkplain #start started}. Its branches go on, and go on
  /// reading what is its. Whoever feeds it is to be ended before. Does nothing when it is stopped.
  ///
  /// @throws PageserverException.Unavailable when not all could be made durable; it goes on then
  /// @throws PageserverException.Conflict while it is being imported
  public void stop(Timeline timeline) {
    stopping.stop(timeline);
  }

  /// Lets a timeline go on that was {@linkplain #stop stopped}.
  ///
  /// @throws PageserverException.Unavailable when that can't be noted; it stays stopped then
  public void start(Timeline timeline) {
    stopping.start(timeline);
  }

  /// Has all of a timeline that is durable here put into the object store, and waits for it.
  ///
  /// @return false when that was not done in time, or there is no object store; it goes on
  public boolean upload(Timeline timeline, Duration limit) {
    Uploads uploads = timeline.index().uploads();
    try {
      return uploads != null && uploads.await(shared.tasks().clock().instant().plus(limit));
    } catch (InterruptedException e) {
      throw shared.stopped("the upload of timeline \"" + timeline.name() + "\"");
    }
  }

  /// Takes a tenant over from the object store, from whichever node has it, or has had it; it
  /// serves at once. Only small objects are read: layers stay there until they are asked for.
  ///
  /// @return its timelines
  /// @throws PageserverException.NotFound when the store has no such tenant
  /// @throws PageserverException.Conflict when it is here already, or one of its names is in use
  /// @throws PageserverException.Unavailable when the store or the authority can't be reached
  public List<Timeline> attach(TenantId tenant) {
    return attaching.attach(tenant);
  }

  /// Whether the object store has a timeline, of a tenant that need not be here. False when there
  /// is no object store.
  ///
  /// @throws PageserverException.Unavailable when the store can't be asked
  public boolean isStored(TenantId tenant, TimelineId id) {
    return attaching.isStored(tenant, id);
  }

  /// Has all of a tenant uploaded, and then deletes it here: the object store has it. Whoever feeds
  /// its timelines is to be ended before. A tenant that is another node's by now is only deleted
  /// here.
  ///
  /// @param limit how long the upload may take
  /// @throws PageserverException.Unavailable when not all could be uploaded; it goes on then
  /// @throws PageserverException.NotFound when it is not here
  public void detach(TenantId tenant, Duration limit) {
    detaching.detach(tenant, limit);
  }

  /// How much history is kept where nothing else is set for a tenant.
  public RetentionSettings retention() {
    return shared.settings().retention();
  }

  /// What was set for a tenant.
  ///
  /// @throws PageserverException.NotFound when it is not here
  /// @throws PageserverException.Unavailable when it can't be read
  public TenantConfiguration configuration(TenantId tenant) {
    return configuring.of(tenant);
  }

  /// Sets what holds for a tenant alone, in the place of all that was set; it is durable on return,
  /// and counts at once. The object store has it soon after.
  ///
  /// @param texts see {@link TenantConfiguration}
  /// @return what is set now: with what a newer version may have set, and this one knows nothing of
  /// @throws PageserverException.InvalidRequest when a key is unknown, or its text makes no sense
  /// @throws PageserverException.NotFound when the tenant is not here
  /// @throws PageserverException.Unavailable when that can't be made durable: until a restart all
  ///   is as it was
  public TenantConfiguration configure(TenantId tenant, Map<String, String> texts) {
    return configuring.set(tenant, texts);
  }

  /// Looks now whether what was wrong with a timeline is so still: one that is broken is loaded
  /// again; damaged files that were put back are taken back.
  ///
  /// @return the timeline as it is now; if it was broken, another object
  public Timeline retry(Timeline timeline) {
    return reloading.retry(TimelineKey.of(timeline.identity()));
  }

  /// Bytes that open and frozen layers, and batches of imports, take in memory now.
  public long layerMemory() {
    return shared.budget().used();
  }

  public Resources resources() {
    return Resources.of(shared);
  }

  /// What was evicted, and whether the disk has room; empty: there is no object store.
  public Optional<EvictionState> eviction() {
    return Optional.ofNullable(shared.remote()).map(RemoteTenants::eviction);
  }

  /// What all timelines together have done since the start, also those that are deleted by now.
  public TimelineCounts counts() {
    return deletion.counts();
  }

  /// The pages of all timelines that are kept as they were made; for its counts.
  public PageCache pageCache() {
    return shared.pages();
  }

  /// Makes everything durable, as far as the disk lets it, has it uploaded, as far as the object
  /// store lets it, and closes all files. Writers are to be closed before.
  @Override
  public void close() throws IOException {
    housekeeping.close();
    List<Timeline> usable =
        timelines.values().stream()
            .filter(timeline -> !timeline.condition().isBroken())
            .filter(timeline -> !timeline.condition().isEnding())
            .filter(timeline -> !timeline.condition().isLost())
            .filter(timeline -> timeline.index().head().imported())
            .toList();
    usable.forEach(Timeline::requestFreeze);
    Instant deadline = shared.tasks().clock().instant().plus(CLOSE_LIMIT);
    for (Timeline timeline : usable) {
      try {
        timeline.checkpoint(deadline);
      } catch (PageserverException e) {
        LOG.log(WARNING, "closed before all was durable: " + e.getMessage());
      }
    }
    RemoteTenants remote = shared.remote();
    try {
      if (remote != null) {
        remote.endCache();
        remote.uploadLast(usable);
      }
      deletion.close();
      for (Timeline timeline : timelines.values()) {
        timeline.close();
      }
      if (remote != null) {
        remote.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    shared.files().close();
    lock.close();
  }
}
