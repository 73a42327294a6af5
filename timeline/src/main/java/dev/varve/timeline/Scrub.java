package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.ByteRange;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.Urgency;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
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
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/// Checks an object store against itself: whether every object that a manifest or an index part
/// names is there and whole, and which objects nobody names.
///
/// It reads what servers write at the same time, so it looks twice before it says that something is
/// missing, and calls *orphans* only what nobody names and is older than a limit: younger objects
/// may belong to an index part that is on its way. For one thread.
public final class Scrub {

  private static final RemoteCall READ =
      new RemoteCall(Urgency.BACKGROUND, 6, Duration.ofMinutes(30));

  private static final String TENANTS = "tenants/";
  private static final int MOST_LISTED = 10_000_000;
  private static final int PARALLEL = 32;

  /// How it is done.
  ///
  /// @param readAll whether the bytes of all layers are read, instead of asking the store for the
  ///   checksum that it keeps
  /// @param orphanAge what nobody names is an orphan when it was put before this long ago
  /// @param deleteOrphans whether orphans are deleted
  public record Options(boolean readAll, Duration orphanAge, boolean deleteOrphans) {}

  /// Is told what is found, as it is found.
  public interface Listener {

    /// Something is missing or damaged.
    ///
    /// @param sentence names the object
    void problem(String sentence);

    /// Nobody names an object, and it is old.
    void orphan(ObjectState object, boolean deleted);

    /// A tenant has been checked.
    void checked(TenantId tenant, Totals soFar);
  }

  /// What was looked at, and found.
  ///
  /// @param bytes of the layers that are named
  /// @param young objects that nobody names, but that are not old enough to be orphans
  /// @param unjudged objects that the manifest or index part may name that can't be read
  /// @param foreign objects that Varve would not have named so; they are left alone
  public record Totals(
      long tenants,
      long timelines,
      long layers,
      long bytes,
      long problems,
      long orphans,
      long deleted,
      long young,
      long unjudged,
      long foreign) {}

  private final RemoteStorage storage;
  private final InstantSource clock;
  private final Options options;
  private final Listener listener;
  private long tenants;
  private long timelines;
  private long layers;
  private long bytes;
  private long problems;
  private long orphans;
  private long deleted;
  private long young;
  private long unjudged;
  private long foreign;

  private Scrub(RemoteStorage storage, InstantSource clock, Options options, Listener listener) {
    this.storage = storage;
    this.clock = clock;
    this.options = options;
    this.listener = listener;
  }

  /// Checks all tenants of a store.
  ///
  /// @param clock of this machine; when orphans are deleted, the store's own is asked instead
  /// @throws IOException when the store can't be read, so that nothing is known
  public static Totals run(
      RemoteStorage storage, InstantSource clock, Options options, Listener listener)
      throws IOException, InterruptedException {
    var scrub = new Scrub(storage, clock, options, listener);
    scrub.all();
    return scrub.totals();
  }

  private Totals totals() {
    return new Totals(
        tenants, timelines, layers, bytes, problems, orphans, deleted, young, unjudged, foreign);
  }

  /// Objects come in the order of their names, so those of one tenant come together.
  private void all() throws IOException, InterruptedException {
    TenantId tenant = null;
    Map<ObjectName, ObjectState> objects = new HashMap<>();
    String after = "";
    while (after != null) {
      ObjectPage page = storage.list(TENANTS, after, READ);
      foreign += page.foreign();
      for (ObjectState object : page.objects()) {
        Optional<RemoteName> name = RemoteName.parse(object.name());
        if (name.isEmpty()) {
          foreign++;
          continue;
        }
        if (tenant != null && !name.get().tenant().equals(tenant)) {
          tenant(tenant, objects);
          objects.clear();
        }
        tenant = name.get().tenant();
        objects.put(object.name(), object);
        if (objects.size() > MOST_LISTED) {
          throw new IOException("tenant " + tenant + " has more than " + MOST_LISTED + " objects");
        }
      }
      after = page.next();
    }
    if (tenant != null) {
      tenant(tenant, objects);
    }
  }

  private void tenant(TenantId tenant, Map<ObjectName, ObjectState> objects)
      throws IOException, InterruptedException {
    tenants++;
    Set<ObjectName> named = new HashSet<>();
    Set<TimelineId> unreadable = new HashSet<>();
    TenantManifest manifest = null;
    try {
      manifest = manifest(tenant, named);
      for (TimelineIdentity identity : manifest.timelines()) {
        timelines++;
        timeline(identity, objects, named, unreadable);
      }
    } catch (Unusable e) {
      problem(e.getMessage());
    }
    var unnamed = new TreeMap<String, ObjectState>();
    for (ObjectState object : objects.values()) {
      if (named.contains(object.name())) {
        continue;
      }
      if (manifest == null || isIn(unreadable, object.name())) {
        unjudged++; // what can't be read may name it
      } else {
        unnamed.put(object.name().value(), object);
      }
    }
    orphans(tenant, unnamed.values(), unreadable);
    listener.checked(tenant, totals());
  }

  private static boolean isIn(Set<TimelineId> some, ObjectName object) {
    return RemoteName.parse(object)
        .flatMap(RemoteName::ofTimeline)
        .filter(some::contains)
        .isPresent();
  }

  /// What can't be used of what names others: it is missing or damaged.
  private static final class Unusable extends Exception {

    @java.io.Serial private static final long serialVersionUID = 1;

    Unusable(String sentence) {
      super(sentence);
    }

    Unusable(Exception cause) {
      super(sentence(cause), cause);
    }

    @Override
    public String getMessage() {
      return String.valueOf(super.getMessage());
    }
  }

  private void problem(String sentence) {
    problems++;
    listener.problem(sentence);
  }

  /// @param named gets the manifest that counts
  private TenantManifest manifest(TenantId tenant, Set<ObjectName> named)
      throws Unusable, IOException, InterruptedException {
    Generation newest = StoredManifest.newest(StoredManifest.listed(storage, tenant, READ));
    if (newest.equals(Generation.NONE)) {
      throw new Unusable("tenant " + tenant + " has objects in " + storage + ", but no manifest");
    }
    named.add(StoredManifest.name(tenant, newest));
    try {
      return StoredManifest.read(storage, tenant, newest, READ).manifest();
    } catch (UnusableFileException | StoreException.Damaged | StoreException.NotFound e) {
      throw new Unusable(e);
    }
  }

  private static String sentence(Exception failure) {
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  private StoredIndex index(TimelineIdentity identity)
      throws Unusable, IOException, InterruptedException {
    TimelineKey key = TimelineKey.of(identity);
    try {
      StoredIndex found = StoredIndex.readListed(storage, key);
      if (found == null) {
        throw new Unusable("timeline \"" + identity.name() + "\" (" + key + ") has no index part");
      }
      return found;
    } catch (UnusableFileException | StoreException.Damaged | StoreException.NotFound e) {
      throw new Unusable(e);
    }
  }

  /// @param named gets what the timeline's index part names, and that itself
  /// @param unreadable gets the timeline when that can't be read
  private void timeline(
      TimelineIdentity identity,
      Map<ObjectName, ObjectState> objects,
      Set<ObjectName> named,
      Set<TimelineId> unreadable)
      throws IOException, InterruptedException {
    try {
      StoredIndex stored = index(identity);
      TimelineKey key = TimelineKey.of(identity);
      var toCheck = new ArrayList<Callable<@Nullable String>>();
      for (LayerEntry entry : stored.part().layers()) {
        ObjectName object = object(key, entry);
        layers++;
        bytes += entry.bytes();
        ObjectState listed = objects.get(object);
        toCheck.add(() -> finding(entry, object, listed));
      }
      named.addAll(named(key, stored));
      List<String> findings = parallel(toCheck);
      if (!findings.isEmpty()) {
        Set<ObjectName> still = named(key, index(identity));
        for (String finding : findings) {
          // Since the index part was read, the layer may have been dropped, and then deleted.
          if (still.stream().anyMatch(object -> finding.startsWith(object.value()))) {
            problem(finding);
          }
        }
      }
    } catch (Unusable e) {
      problem(e.getMessage());
      unreadable.add(identity.id());
    }
  }

  private static Set<ObjectName> named(TimelineKey key, StoredIndex stored) {
    Set<ObjectName> named = new HashSet<>();
    named.add(StoredIndex.name(key, stored.generation()).object());
    stored.part().layers().forEach(entry -> named.add(object(key, entry)));
    return named;
  }

  private static ObjectName object(TimelineKey key, LayerEntry entry) {
    return new RemoteName.LayerFile(key.tenant(), key.id(), entry.name(), entry.generation())
        .object();
  }

  private static List<String> parallel(List<Callable<@Nullable String>> checks)
      throws IOException, InterruptedException {
    var findings = new ArrayList<String>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int from = 0; from < checks.size(); from += PARALLEL) {
        var some = checks.subList(from, Math.min(checks.size(), from + PARALLEL));
        for (Future<@Nullable String> check : threads.invokeAll(some)) {
          String finding = check.get();
          if (finding != null) {
            findings.add(finding);
          }
        }
      }
      return findings;
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw new IOException(cause.getMessage(), cause);
        case null, default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  /// Looks for what is wrong with a layer.
  ///
  /// @param listed null: it was not there, or not yet
  /// @return a sentence that begins with the object's name; null: nothing
  private @Nullable String finding(
      LayerEntry entry, ObjectName object, @Nullable ObjectState listed)
      throws IOException, InterruptedException {
    if (listed != null && listed.size() != entry.bytes()) {
      return object + " has " + listed.size() + " bytes instead of " + entry.bytes();
    }
    ObjectState state;
    try {
      state =
          options.readAll()
              ? storage.get(object, ByteRange.WHOLE, (_, part) -> part.position(part.limit()), READ)
              : storage.head(object, READ);
    } catch (StoreException.NotFound _) {
      return object + " is missing";
    } catch (StoreException.Damaged e) {
      return object + " is damaged: " + sentence(e);
    }
    if (state.size() != entry.bytes()) {
      return object + " has " + state.size() + " bytes instead of " + entry.bytes();
    }
    if (state.crc32c().isPresent() && state.crc32c().getAsInt() != entry.crc()) {
      return object + " is not what was written: its checksum is wrong";
    }
    return null;
  }

  private void orphans(TenantId tenant, Collection<ObjectState> unnamed, Set<TimelineId> unreadable)
      throws IOException, InterruptedException {
    if (unnamed.isEmpty()) {
      return;
    }
    Instant time = options.deleteOrphans() ? StoreClock.now(storage, READ) : clock.instant();
    Instant limit = time.minus(options.orphanAge());
    var old = new ArrayList<ObjectState>();
    for (ObjectState object : unnamed) {
      if (object.modified().isBefore(limit)) {
        old.add(object);
      } else {
        young++;
      }
    }
    if (old.isEmpty()) {
      return;
    }
    if (options.deleteOrphans()) {
      Set<ObjectName> now = namedNow(tenant, unreadable);
      old.removeIf(object -> now.contains(object.name()));
      storage.delete(old.stream().map(ObjectState::name).toList(), READ);
      deleted += old.size();
    }
    orphans += old.size();
    old.forEach(object -> listener.orphan(object, options.deleteOrphans()));
  }

  /// What is named by now: somebody may have come back to an object since.
  private Set<ObjectName> namedNow(TenantId tenant, Set<TimelineId> unreadable)
      throws IOException, InterruptedException {
    Set<ObjectName> named = new HashSet<>();
    try {
      for (TimelineIdentity identity : manifest(tenant, named).timelines()) {
        if (!unreadable.contains(identity.id())) { // of the others nothing is to be deleted
          named.addAll(named(TimelineKey.of(identity), index(identity)));
        }
      }
      return named;
    } catch (Unusable e) {
      throw new IOException("nothing of tenant " + tenant + " is deleted: " + e.getMessage(), e);
    }
  }
}
