package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.TenantId;
import dev.varve.remote.Outages;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// What all tenants of a server have in the object store. Any thread may call any method.
final class RemoteTenants {

  private static final System.Logger LOG = System.getLogger(RemoteTenants.class.getName());

  /// How often the authority is asked whose the tenants are, also when nothing is uploaded: a node
  /// that has lost one is to answer for it no longer, and to leave its source to the one that has
  /// it.
  private static final Duration ASK = Duration.ofMinutes(1);

  /// How long a server that ends waits for a store that works.
  private static final Duration LAST_UPLOADS = Duration.ofSeconds(20);

  private final Remote remote;
  private final TenantFiles files;
  private final TenantRecords records;
  private final TaskManager tasks;
  private final Map<TenantId, RemoteTenant> tenants = new ConcurrentHashMap<>();
  private final StoredLayers layers;
  private final Task asking;
  private volatile boolean begun;
  private volatile @Nullable Eviction eviction;
  private volatile @Nullable Downloads downloads;

  RemoteTenants(
      Remote remote,
      TenantFiles files,
      TenantRecords records,
      TaskManager tasks,
      StoredLayers layers) {
    this.remote = remote;
    this.files = files;
    this.records = records;
    this.tasks = tasks;
    this.layers = layers;
    remote.storage().outages().setWaiting(this::waiting);
    asking =
        tasks.submit(
            TaskSpec.every(
                    TaskKind.HOUSEKEEPING, "ask whose the tenants are", ASK, _ -> askWhoseTheyAre())
                .silentOf(Outages::isTold));
  }

  private void askWhoseTheyAre() throws StoreException, InterruptedException {
    List<RemoteTenant> attached =
        tenants.values().stream().filter(RemoteTenant::isAttached).toList();
    if (!attached.isEmpty()) {
      Map<TenantId, Generation> newest =
          remote.generations().newest(attached.stream().map(RemoteTenant::id).toList());
      attached.forEach(
          tenant -> tenant.noteNewest(newest.getOrDefault(tenant.id(), Generation.NONE)));
    }
  }

  /// What is to be uploaded, in words.
  private String waiting() {
    int timelines = 0;
    int waitingLayers = 0;
    long bytes = 0;
    for (RemoteTenant tenant : tenants.values()) {
      for (UploadState state : tenant.states()) {
        timelines += state.waitingSince().isPresent() ? 1 : 0;
        waitingLayers += state.waitingLayers();
        bytes += state.waitingBytes();
      }
    }
    return "%d timelines wait to be uploaded, with %d layers of %d MiB"
        .formatted(timelines, waitingLayers, bytes >> 20);
  }

  Remote remote() {
    return remote;
  }

  /// Ends what goes on for a tenant that is not here any more.
  void forget(TenantId id) throws InterruptedException {
    RemoteTenant gone = tenants.remove(id);
    if (gone != null) {
      gone.close();
    }
  }

  /// Evicts layers, and fetches them back, from now on.
  ///
  /// @param data where their files are
  /// @param timelines all of the server; a view that changes
  void cache(Path data, Map<TimelineKey, Timeline> timelines, Shared shared) {
    CacheSettings settings = remote.cache();
    eviction = new Eviction(data, settings, remote.storage(), timelines.values(), shared);
    var made = new Downloads(data, settings, remote.storage(), timelines, shared);
    downloads = made;
    layers.setDownloads(made);
  }

  /// What was evicted; null: it has not begun.
  @Nullable EvictionState eviction() {
    Eviction now = eviction;
    return now == null ? null : now.state();
  }

  /// What is fetched back; null: it has not begun.
  @Nullable Downloads downloads() {
    return downloads;
  }

  /// More is in the store than before.
  void uploaded() {
    Eviction now = eviction;
    if (now != null) {
      now.uploaded();
    }
  }

  /// Something could not be written.
  void noteFailure(Throwable failure) {
    Eviction now = eviction;
    if (now != null) {
      now.noteFailure(failure);
    }
  }

  /// Those of a tenant, which may be new.
  RemoteTenant of(TenantId id) {
    RemoteTenant known = tenants.get(id);
    if (known != null) {
      return known;
    }
    var made = new RemoteTenant(id, remote, files, records, tasks);
    RemoteTenant before = tenants.putIfAbsent(id, made);
    if (before != null) {
      return before;
    }
    if (begun) {
      made.begin();
    }
    return made;
  }

  /// Whether a tenant of the data directory is another node's by now, as far as is known.
  boolean isLost(TenantId id) {
    RemoteTenant tenant = tenants.get(id);
    return tenant != null && tenant.lost() != null;
  }

  /// Whether a timeline was deleted in this generation of its tenant.
  boolean wasDeleted(TimelineKey key) {
    RemoteTenant tenant = tenants.get(key.tenant());
    return tenant != null && tenant.wasDeleted(key.id());
  }

  /// The files of a deleted timeline are gone, which the end of its deletion waits for.
  void filesDeleted() {
    tenants.values().stream().filter(RemoteTenant::isDeleting).forEach(RemoteTenant::wake);
  }

  /// Attaches tenants, and those that come later, and uploads from then on. To be called when all
  /// timelines are there. Waits until it was tried, but not for long: what can't be attached now is
  /// attached later.
  ///
  /// @param present those that the data directory has
  void begin(Collection<TenantId> present, Duration limit) throws InterruptedException {
    present.forEach(this::of);
    begun = true;
    tenants.values().forEach(RemoteTenant::begin);
    Instant end = tasks.clock().instant().plus(limit);
    for (RemoteTenant tenant : tenants.values()) {
      CompletableFuture<Boolean> attempt = tenant.firstAttempt();
      Duration left = Duration.between(tasks.clock().instant(), end);
      if (left.isPositive()) {
        tasks.await(attempt, left);
      }
    }
  }

  /// Has all uploaded, as far as the store lets it: what is not in there then is put there after
  /// the next start.
  void uploadLast(Collection<Timeline> timelines) throws InterruptedException {
    Instant deadline = tasks.clock().instant().plus(LAST_UPLOADS);
    List<Uploads> all =
        timelines.stream()
            .flatMap(timeline -> Optional.ofNullable(timeline.index().uploads()).stream())
            .toList();
    all.forEach(Uploads::ask);
    for (Uploads each : all) {
      if (each.state().failure().isEmpty() && !each.await(deadline)) {
        LOG.log(WARNING, "closed before all was in the object store: {0}", each.state());
      }
    }
  }

  /// Ends eviction and downloads, before the timelines are closed.
  void endCache() throws InterruptedException {
    Eviction evicting = eviction;
    Downloads fetching = downloads;
    if (evicting != null && fetching != null) {
      evicting.close();
      fetching.close();
    }
  }

  /// Ends what goes on, after the timelines are closed.
  void close() throws InterruptedException {
    asking.cancel();
    while (!tasks.await(asking.end(), Duration.ofMinutes(1))) {}
    for (RemoteTenant tenant : tenants.values()) {
      tenant.close();
    }
  }
}
