package dev.varve.timeline;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.Content;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.Urgency;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Takes tenants over from the object store, and gives them up. Both take the same time whatever
/// the size of the data: small objects are read and written, and layers stay where they are.
///
/// To attach a tenant is
///
/// 1. to be given a generation: from then on nobody else's uploads count, and nobody else deletes;
/// 2. to read the newest manifest and the newest index part of each timeline in it;
/// 3. to put both again in the new generation, so that what the node before still puts, in its own
///    generation, is never the newest;
/// 4. to write them into the data directory, beside the place where they count, and to rename that;
/// 5. to load the timelines, as at a start, but without the files of layers.
///
/// A crash before the rename leaves a generation that is used up, and a directory that the next
/// start deletes. A tenant that was lost here is attached in the same way, after what is left of it
/// was deleted.
final class Attaching {

  private static final System.Logger LOG = System.getLogger(Attaching.class.getName());

  private static final RemoteCall CALL = new RemoteCall(Urgency.READ, 6, Duration.ofSeconds(60));

  private static final int AT_ONCE = 16;

  private final TenantFiles files;
  private final Map<TimelineKey, Timeline> timelines;
  private final Branching branching;
  private final Stopping stopping;
  private final Deletion deletion;
  private final Reloading reloading;
  private final BackPressure backPressure;
  private final Shared shared;

  /// @param identity of a timeline, from the manifest
  /// @param index the newest part
  record Stored(TimelineIdentity identity, IndexPart index) {}

  Attaching(
      TenantFiles files,
      Map<TimelineKey, Timeline> timelines,
      Branching branching,
      Stopping stopping,
      Deletion deletion,
      Reloading reloading,
      BackPressure backPressure,
      Shared shared) {
    this.files = files;
    this.timelines = timelines;
    this.branching = branching;
    this.stopping = stopping;
    this.deletion = deletion;
    this.reloading = reloading;
    this.backPressure = backPressure;
    this.shared = shared;
  }

  List<Timeline> attach(TenantId id) {
    RemoteTenants remote = required();
    return shared.inLane("attach tenant " + id, lane(id), () -> attach(id, remote));
  }

  private RemoteTenants required() {
    RemoteTenants remote = shared.remote();
    if (remote == null) {
      throw new PageserverException.Unsupported(
          "this server has no object store; start it with --remote");
    }
    return remote;
  }

  static String lane(TenantId id) {
    return "tenant " + id;
  }

  private List<Timeline> of(TenantId id) {
    return timelines.values().stream().filter(timeline -> timeline.tenant().equals(id)).toList();
  }

  private List<Timeline> attach(TenantId id, RemoteTenants remote)
      throws IOException, InterruptedException {
    List<Timeline> present = of(id);
    if (present.stream().anyMatch(timeline -> !timeline.condition().isLost())) {
      throw new PageserverException.Conflict("tenant " + id + " is attached here already");
    }
    Remote parts = remote.remote();
    RemoteStorage storage = parts.storage();
    Generation newest = StoredManifest.newest(StoredManifest.listed(storage, id, CALL));
    if (newest.equals(Generation.NONE)) {
      throw nowhere(id, storage);
    }
    requireFree(StoredManifest.read(storage, id, newest, CALL).manifest());
    Generation given;
    try {
      given = parts.generations().attach(id, newest);
    } catch (StoreException e) {
      throw new PageserverException.Unavailable(
          "tenant " + id + " gets no generation: " + e.getMessage(), e);
    }
    // Who had it in between may have changed it.
    StoredManifest before =
        StoredManifest.findNewest(
            storage, id, StoredManifest.listed(storage, id, CALL), given.previous(), CALL);
    if (before == null) {
      throw nowhere(id, storage);
    }
    List<Stored> stored = read(storage, before.manifest(), before.generation());
    TenantManifest manifest =
        before.manifest().only(stored.stream().map(Stored::identity).toList());
    put(storage, manifest, stored, given);
    if (!present.isEmpty()) {
      drop(id, present);
    }
    var record = new TenantRecord(id, given, new TenantConfiguration(manifest.configuration()));
    files.create(record, stored);
    shared.records().set(record);
    return load(id);
  }

  private static PageserverException nowhere(TenantId id, RemoteStorage storage) {
    return new PageserverException.NotFound("there is no tenant " + id + " in " + storage);
  }

  /// Whether the newest manifest of a tenant, which need not be here, names a timeline.
  boolean isStored(TenantId id, TimelineId timeline) {
    RemoteTenants remote = shared.remote();
    if (remote == null) {
      return false;
    }
    RemoteStorage storage = remote.remote().storage();
    try {
      Generation newest = StoredManifest.newest(StoredManifest.listed(storage, id, CALL));
      return !newest.equals(Generation.NONE)
          && StoredManifest.read(storage, id, newest, CALL).manifest().names(timeline);
    } catch (IOException e) {
      throw new PageserverException.Unavailable(
          "whether the object store has tenant " + id + " is not known: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      throw shared.stopped("the search for tenant " + id);
    }
  }

  private void requireFree(TenantManifest manifest) {
    for (TimelineIdentity identity : manifest.timelines()) {
      if (!branching.isFree(identity)) {
        throw new PageserverException.Conflict(
            "there is a timeline \"%s\" on this server already; delete it, or detach its tenant"
                .formatted(identity.name()));
      }
    }
  }

  /// @param last the generation of the manifest, which an index part may have at most: whoever puts
  ///   one has put a manifest before
  private List<Stored> read(RemoteStorage storage, TenantManifest manifest, Generation last)
      throws IOException, InterruptedException {
    Map<TimelineId, IndexPart> found = new ConcurrentHashMap<>();
    new Parallel<TimelineIdentity>(
            shared.tasks(),
            "read index parts of tenant " + manifest.tenant(),
            AT_ONCE,
            manifest.timelines(),
            identity -> {
              StoredIndex newest = StoredIndex.findNewest(storage, TimelineKey.of(identity), last);
              if (newest != null) {
                found.put(identity.id(), newest.part());
              }
            })
        .run();
    Map<TimelineIdentity, Stored> all = new HashMap<>();
    for (TimelineIdentity identity : manifest.timelines()) {
      IndexPart part = found.get(identity.id());
      if (part == null && identity.ancestor().isPresent()) {
        Lsn readableFrom = readableFrom(identity, manifest, found);
        part = new IndexPart(identity.start(), readableFrom, true, List.of());
      }
      if (part != null) {
        all.put(identity, new Stored(identity, part));
      }
    }
    return inOrder(manifest, all, storage);
  }

  /// From where a branch can be read that was named, but of which nothing more came into the store:
  /// as when it was made, before its branch point it is as readable as its ancestor.
  private static Lsn readableFrom(
      TimelineIdentity branch, TenantManifest manifest, Map<TimelineId, IndexPart> found) {
    Lsn lowest = branch.start();
    Optional<TimelineId> above = branch.ancestor();
    for (int steps = 0; above.isPresent() && steps < manifest.timelines().size(); steps++) {
      TimelineId id = above.get();
      IndexPart part = found.get(id);
      if (part != null) {
        return Lsn.min(lowest, part.readableFrom());
      }
      Optional<TimelineIdentity> next =
          manifest.timelines().stream().filter(one -> one.id().equals(id)).findFirst();
      lowest = Lsn.min(lowest, next.map(TimelineIdentity::start).orElse(lowest));
      above = next.flatMap(TimelineIdentity::ancestor);
    }
    return lowest;
  }

  /// A timeline without an ancestor that was named, but of which nothing more came into the store,
  /// is not there, nor what was branched from it: the node that made it went before it was in the
  /// store. The others are not to wait for it.
  private static List<Stored> inOrder(
      TenantManifest manifest, Map<TimelineIdentity, Stored> all, RemoteStorage storage) {
    boolean some = true;
    while (some) {
      Set<TimelineId> there = new HashSet<>();
      all.keySet().forEach(identity -> there.add(identity.id()));
      some =
          all.keySet().removeIf(identity -> !identity.ancestor().map(there::contains).orElse(true));
    }
    List<Stored> stored = new ArrayList<>();
    for (TimelineIdentity identity : manifest.timelines()) {
      Stored one = all.get(identity);
      if (one == null) {
        LOG.log(
            WARNING,
            "timeline \"{0}\" has no data in {1}, and is not attached",
            identity.name(),
            storage);
      } else {
        stored.add(one);
      }
    }
    return stored;
  }

  private void put(
      RemoteStorage storage, TenantManifest manifest, List<Stored> stored, Generation generation)
      throws IOException, InterruptedException {
    storage.put(
        StoredManifest.name(manifest.tenant(), generation),
        Content.of(manifest.bytes()),
        PutCondition.ALWAYS,
        CALL);
    new Parallel<Stored>(
            shared.tasks(),
            "put index parts of tenant " + manifest.tenant(),
            AT_ONCE,
            stored,
            one ->
                storage.put(
                    StoredIndex.name(TimelineKey.of(one.identity), generation).object(),
                    Content.of(CheckedJson.bytes(IndexJson.write(one.index))),
                    PutCondition.ALWAYS,
                    CALL))
        .run();
  }

  private List<Timeline> load(TenantId id) throws IOException {
    Collection<Timeline> loaded = new Loading(files, shared, backPressure).tenant(id);
    for (Timeline timeline : loaded) {
      timelines.put(TimelineKey.of(timeline.identity()), timeline);
      reloading.watch(timeline);
    }
    LOG.log(INFO, "tenant {0} is attached, with {1} timelines", id, loaded.size());
    return List.copyOf(loaded);
  }

  void detach(TenantId id, Duration limit) {
    required();
    shared.inLane(
        "detach tenant " + id,
        lane(id),
        () -> {
          List<Timeline> present = of(id);
          if (present.isEmpty()) {
            throw new PageserverException.NotFound("there is no tenant " + id + " on this server");
          }
          if (present.stream().noneMatch(timeline -> timeline.condition().isLost())) {
            secure(id, present, shared.tasks().clock().instant().plus(limit));
          }
          drop(id, present);
          LOG.log(INFO, "tenant {0} is detached", id);
          return present;
        });
  }

  /// Stops timelines, and has all that they have uploaded. If that fails they go on.
  private void secure(TenantId id, List<Timeline> present, Instant deadline)
      throws InterruptedException {
    for (Timeline timeline : present) {
      timeline.condition().requireUsable();
    }
    List<Timeline> stopped = new ArrayList<>();
    boolean done = false;
    try {
      for (Timeline timeline : present) {
        if (timeline.condition().service() == Condition.Service.RUNNING) {
          stopping.stop(timeline);
          stopped.add(timeline);
        }
      }
      for (Timeline timeline : present) {
        Uploads uploads = timeline.index().uploads();
        if (uploads == null || !uploads.await(deadline)) {
          throw new PageserverException.Unavailable(
              "timeline \"%s\" is not in the object store as it is here%s; try again"
                  .formatted(timeline.name(), reason(uploads)));
        }
      }
      requireManifest(required().of(id), deadline);
      done = true;
    } finally {
      if (!done) {
        stopped.forEach(this::goOn);
      }
    }
  }

  /// What was set for the tenant is in there, of which no index part tells.
  private void requireManifest(RemoteTenant tenant, Instant deadline) throws InterruptedException {
    InstantSource clock = shared.tasks().clock();
    tenant.wake();
    tenant.hurry();
    CompletableFuture<Boolean> next = tenant.nextAttempt();
    while (!tenant.isCurrent() && tenant.lost() == null && clock.instant().isBefore(deadline)) {
      shared.tasks().await(next, Duration.between(clock.instant(), deadline));
      next = tenant.nextAttempt();
    }
    if (!tenant.isCurrent()) {
      throw new PageserverException.Unavailable(
          "what was set for the tenant is not in the object store%s; try again"
              .formatted(because(tenant.failure())));
    }
  }

  private static String reason(@Nullable Uploads uploads) {
    return because(uploads == null ? null : uploads.state().failure().orElse(null));
  }

  private static String because(@Nullable String failure) {
    return failure == null ? "" : ": " + failure;
  }

  private void goOn(Timeline timeline) {
    try {
      stopping.start(timeline);
    } catch (PageserverException e) {
      LOG.log(WARNING, "timeline \"" + timeline.name() + "\" stays stopped", e);
    }
  }

  /// Forgets a tenant, and deletes what the data directory has of it.
  private void drop(TenantId id, List<Timeline> present) throws IOException, InterruptedException {
    Path aside = files.setAside(id);
    for (Timeline timeline : present) {
      timeline.condition().setDeleting(true);
    }
    for (Timeline timeline : present) {
      timeline.close();
    }
    deletion.forget(present);
    required().forget(id);
    shared.records().forget(id);
    deletion.deleteTenant(aside);
  }
}
