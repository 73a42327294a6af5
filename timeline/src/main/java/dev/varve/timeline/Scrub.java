package dev.varve.timeline;

import dev.varve.model.TenantId;
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
  private static final int MOST_BYTES = 256 << 20;
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
  private long foreign;

  private Scrub(RemoteStorage storage, InstantSource clock, Options options, Listener listener) {
    this.storage = storage;
    this.clock = clock;
    this.options = options;
    this.listener = listener;
  }

  /// Checks all tenants of a store.
  ///
  /// @param clock of this machine; a store's own clock says when an object was put
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
        tenants, timelines, layers, bytes, problems, orphans, deleted, young, foreign);
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
    boolean complete = true;
    TenantManifest manifest = manifest(tenant, named);
    if (manifest == null) {
      complete = false;
    } else {
      for (TimelineIdentity identity : manifest.timelines()) {
        timelines++;
        complete &= timeline(identity, objects, named);
      }
    }
    var unnamed = new TreeMap<String, ObjectState>();
    objects.forEach((name, object) -> {
      if (!named.contains(name)) {
        unnamed.put(name.value(), object);
      }
    });
    // What can't be read may name any of them.
    if (complete) {
      orphans(tenant, unnamed.values());
    } else if (!unnamed.isEmpty()) {
      young += unnamed.size();
    }
    listener.checked(tenant, totals());
  }

  private void problem(String sentence) {
    problems++;
    listener.problem(sentence);
  }

  /// @param named gets the manifest that counts
  /// @return null when it can't be read, which has been said
  private @Nullable TenantManifest manifest(TenantId tenant, Set<ObjectName> named)
      throws IOException, InterruptedException {
    Optional<Generation> newest = newestManifest(tenant);
    if (newest.isEmpty()) {
      problem("tenant " + tenant + " has objects in " + storage + ", but no manifest");
      return null;
    }
    var name = new RemoteName.Manifest(tenant, newest.get());
    named.add(name.object());
    try {
      return TenantManifest.read(
          storage.read(name.object(), MOST_BYTES, READ), tenant, name.object().value());
    } catch (UnusableFileException | StoreException.Damaged | StoreException.NotFound e) {
      problem(sentence(e));
      return null;
    }
  }

  private Optional<Generation> newestManifest(TenantId tenant)
      throws IOException, InterruptedException {
    return storage.listAll(RemoteName.manifests(tenant), MOST_LISTED, READ).stream()
        .flatMap(object -> RemoteName.parse(object.name()).stream())
        .map(RemoteName::generation)
        .max(Generation::compareTo);
  }

  private static String sentence(Exception failure) {
    return failure.getMessage() == null ? failure.toString() : failure.getMessage();
  }

  /// @return null when there is none, or it can't be read, which has been said
  private @Nullable StoredIndex index(TimelineIdentity identity)
      throws IOException, InterruptedException {
    var key = new TimelineKey(identity.tenant(), identity.id());
    try {
      StoredIndex found = StoredIndex.readListed(storage, key);
      if (found == null) {
        problem("timeline \"" + identity.name() + "\" (" + key + ") has no index part");
      }
      return found;
    } catch (UnusableFileException | StoreException.Damaged | StoreException.NotFound e) {
      problem(sentence(e));
      return null;
    }
  }

  /// @return false when it is not known what it names
  private boolean timeline(
      TimelineIdentity identity, Map<ObjectName, ObjectState> objects, Set<ObjectName> named)
      throws IOException, InterruptedException {
    StoredIndex stored = index(identity);
    if (stored == null) {
      return false;
    }
    var key = new TimelineKey(identity.tenant(), identity.id());
    named.add(StoredIndex.name(key, stored.generation()).object());
    var toCheck = new ArrayList<Callable<@Nullable String>>();
    for (LayerEntry entry : stored.part().layers()) {
      ObjectName object = object(key, entry);
      named.add(object);
      layers++;
      bytes += entry.bytes();
      ObjectState listed = objects.get(object);
      toCheck.add(() -> finding(entry, object, listed));
    }
    List<String> findings = parallel(toCheck);
    if (!findings.isEmpty()) {
      Set<ObjectName> still = namedNow(identity);
      for (String finding : findings) {
        // Since the index part was read, the layer may have been dropped, and then deleted.
        if (still.stream().anyMatch(object -> finding.startsWith(object.value()))) {
          problem(finding);
        }
      }
    }
    return true;
  }

  private static ObjectName object(TimelineKey key, LayerEntry entry) {
    return new RemoteName.LayerFile(key.tenant(), key.id(), entry.name(), entry.generation())
        .object();
  }

  private Set<ObjectName> namedNow(TimelineIdentity identity)
      throws IOException, InterruptedException {
    StoredIndex stored = index(identity);
    Set<ObjectName> named = new HashSet<>();
    if (stored != null) {
      var key = new TimelineKey(identity.tenant(), identity.id());
      stored.part().layers().forEach(entry -> named.add(object(key, entry)));
    }
    return named;
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

  private void orphans(TenantId tenant, Iterable<ObjectState> unnamed)
      throws IOException, InterruptedException {
    Instant limit = clock.instant().minus(options.orphanAge());
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
      Set<ObjectName> now = namedNow(tenant);
      old.removeIf(object -> now.contains(object.name()));
      storage.delete(old.stream().map(ObjectState::name).toList(), READ);
      deleted += old.size();
    }
    orphans += old.size();
    old.forEach(object -> listener.orphan(object, options.deleteOrphans()));
  }

  /// What is named by now: somebody may have come back to an object since.
  private Set<ObjectName> namedNow(TenantId tenant) throws IOException, InterruptedException {
    Set<ObjectName> named = new HashSet<>();
    TenantManifest manifest = manifest(tenant, named);
    if (manifest == null) {
      throw new IOException("the manifest of tenant " + tenant + " has gone meanwhile");
    }
    for (TimelineIdentity identity : manifest.timelines()) {
      StoredIndex stored = index(identity);
      if (stored == null) {
        throw new IOException("the index part of " + identity.id() + " has gone meanwhile");
      }
      named.add(StoredIndex.name(keyOf(identity), stored.generation()).object());
      named.addAll(namedNow(identity));
    }
    return named;
  }

  private static TimelineKey keyOf(TimelineIdentity identity) {
    return new TimelineKey(identity.tenant(), identity.id());
  }
}
