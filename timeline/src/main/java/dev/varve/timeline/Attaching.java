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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Takes tenants over from the object store, in the same time whatever the size of the data: small
/// objects are read and written, and layers stay where they are.
///
/// To attach a tenant, of which all can be read, is
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
  private final Detaching detaching;
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
      Detaching detaching,
      Reloading reloading,
      BackPressure backPressure,
      Shared shared) {
    this.files = files;
    this.timelines = timelines;
    this.branching = branching;
    this.detaching = detaching;
    this.reloading = reloading;
    this.backPressure = backPressure;
    this.shared = shared;
  }

  List<Timeline> attach(TenantId id) {
    RemoteTenants remote = detaching.requireRemote();
    return shared.inLane(
        "attach tenant " + id, lane(id), () -> branching.whileClosed(id, () -> attach(id, remote)));
  }

  static String lane(TenantId id) {
    return "tenant " + id;
  }

  private List<Timeline> attach(TenantId id, RemoteTenants remote)
      throws IOException, InterruptedException {
    List<Timeline> present = detaching.present(id);
    if (present.stream().anyMatch(timeline -> !timeline.condition().isLost())) {
      throw new PageserverException.Conflict("tenant " + id + " is attached here already");
    }
    Remote parts = remote.remote();
    RemoteStorage storage = parts.storage();
    Generation newest = StoredManifest.newest(StoredManifest.listed(storage, id, CALL));
    if (newest.equals(Generation.NONE)) {
      throw nowhere(id, storage);
    }
    TenantManifest seen = StoredManifest.read(storage, id, newest, CALL).manifest();
    requireFree(seen, storage);
    requireReadable(seen, storage);
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
    if (files.hasTenant(id)) { // it was lost, or its timelines are gone
      detaching.drop(id, present);
    }
    var record =
        new TenantRecord(id, given, true, new TenantConfiguration(manifest.configuration()));
    files.create(record, stored);
    shared.records().set(record);
    return load(id);
  }

  private static PageserverException nowhere(TenantId id, RemoteStorage storage) {
    return new PageserverException.NotFound(
        "there is no tenant " + id + " in " + storage + "; varve scrub lists those of a store");
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

  private void requireFree(TenantManifest manifest, RemoteStorage storage) throws IOException {
    TenantId id = manifest.tenant();
    if (manifest.timelines().isEmpty()) {
      throw new PageserverException.NotFound(
          "tenant %s has no timelines any more in %s".formatted(id, storage));
    }
    if (!detaching.requireRemote().isLost(id) && !files.deleted(id).isEmpty()) {
      throw new PageserverException.Conflict(
          "timelines of tenant %s were deleted here, and not in %s yet; try again later"
              .formatted(id, storage));
    }
    for (TimelineIdentity identity : manifest.timelines()) {
      if (!branching.isFree(identity)) {
        throw new PageserverException.Conflict(
            "there is a timeline \"%s\" on this server already; delete it, or detach its tenant"
                .formatted(identity.name()));
      }
    }
  }

  /// Who can't read what is there does not take it from a node that may be serving it.
  private void requireReadable(TenantManifest manifest, RemoteStorage storage)
      throws IOException, InterruptedException {
    new Parallel<TimelineIdentity>(
            shared.tasks(),
            "look at index parts of tenant " + manifest.tenant(),
            AT_ONCE,
            manifest.timelines(),
            identity -> {
              try {
                StoredIndex.readListed(storage, TimelineKey.of(identity));
              } catch (StoreException.NotFound _) {
                // A newer one has taken its place since the list.
              }
            })
        .run();
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
}
