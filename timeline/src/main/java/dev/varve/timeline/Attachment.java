package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.TenantId;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.StoreException;
import dev.varve.remote.Urgency;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How a tenant of the data directory gets its generation.
///
/// Whoever is given a generation begins with a manifest of it, before anything else that counts. So
/// a manifest of a generation that the data directory does not know says that another node had the
/// tenant in between, and what is here is not the newest. A generation without a manifest was used
/// up by an attempt that came to nothing.
///
/// {@link #attempt} is for one thread; any may ask the rest.
final class Attachment {

  private static final System.Logger LOG = System.getLogger(Attachment.class.getName());

  private static final RemoteCall ASK = new RemoteCall(Urgency.UPLOAD, 3, Duration.ofSeconds(30));

  private static final int MOST_MANIFESTS = 10_000;
  private static final int MOST_BYTES = 256 << 20;

  /// More generations than these in between, and only the list of manifests is asked.
  private static final int MOST_ASKED = 64;

  private final TenantId id;
  private final Remote remote;
  private final TenantFiles files;
  private volatile TenantRecord own;
  private volatile boolean read;
  private volatile boolean done;
  private Generation previous = Generation.NONE;
  private @Nullable TenantManifest manifest;
  private List<ObjectName> manifests = List.of();

  Attachment(TenantId id, Remote remote, TenantFiles files) {
    this.id = id;
    this.remote = remote;
    this.files = files;
    own = TenantRecord.of(id);
    try {
      own = files.record(id);
      read = true;
    } catch (IOException e) {
      LOG.log(WARNING, "tenant " + id + " can't be attached, which is tried again", e);
    }
  }

  boolean isDone() {
    return done;
  }

  /// The generation in which the tenant is here; until that is {@linkplain #isDone done}, in which
  /// it was here before.
  Generation generation() {
    return own.generation();
  }

  Map<String, String> configuration() {
    return own.configuration();
  }

  /// In which the tenant was here before; when done.
  Generation previous() {
    return previous;
  }

  /// The newest that the store has; null: none. When done.
  @Nullable TenantManifest manifest() {
    return manifest;
  }

  /// All manifests that the store had. When done.
  List<ObjectName> manifests() {
    return manifests;
  }

  /// @return why the tenant must not be used here, a sentence; empty: it is attached
  /// @throws IOException when that is not known now; to be tried again
  Optional<String> attempt() throws IOException, InterruptedException {
    if (!read) {
      own = files.record(id);
      read = true;
    }
    Generation before = own.generation();
    List<Generation> found = list();
    Optional<String> refusal = refusal(newest(found));
    if (refusal.isEmpty() && !isNewest(before)) {
      refusal = refusal(newestAbove(before));
    }
    if (refusal.isPresent()) {
      return refusal; // without having taken it from whoever has it
    }
    manifest = find(before, newest(found));
    manifests = found.stream().map(generation -> name(generation).object()).toList();
    Generation given = remote.generations().attach(id, before);
    if (!given.equals(before.next())) {
      refusal = refusal(newestBetween(before, given));
      if (refusal.isPresent()) {
        return refusal;
      }
    }
    TenantRecord attached = own.withGeneration(given);
    files.write(attached);
    own = attached;
    previous = before;
    done = true;
    return Optional.empty();
  }

  private RemoteName.Manifest name(Generation generation) {
    return new RemoteName.Manifest(id, generation);
  }

  private Optional<String> refusal(Generation newest) {
    return newest.compareTo(own.generation()) <= 0
        ? Optional.empty()
        : Optional.of(
            "tenant %s was attached elsewhere: %s has its generation %s, and this data directory %s"
                .formatted(id, remote.storage(), newest, own.generation()));
  }

  private List<Generation> list() throws IOException, InterruptedException {
    return remote.storage().listAll(RemoteName.manifests(id), MOST_MANIFESTS, ASK).stream()
        .map(ObjectState::name)
        .flatMap(object -> RemoteName.parse(object).stream())
        .map(RemoteName::generation)
        .sorted()
        .toList();
  }

  private static Generation newest(List<Generation> generations) {
    return generations.isEmpty() ? Generation.NONE : generations.getLast();
  }

  /// Whether nobody was given a generation since.
  private boolean isNewest(Generation before) throws IOException, InterruptedException {
    return before.equals(Generation.NONE)
        || remote.generations().newest(Map.of(id, before)).contains(id);
  }

  /// A manifest of another node that may not be listed yet; {@link Generation#NONE}: there is none.
  private Generation newestAbove(Generation before) throws IOException, InterruptedException {
    Generation at = before.next();
    for (int asked = 0; asked < NewestObject.MOST_ASKED; asked++, at = at.next()) {
      if (exists(name(at).object())) {
        return at;
      }
    }
    return Generation.NONE;
  }

  /// The newest of which there is a manifest; one that was put of late may not be listed yet.
  private Generation newestBetween(Generation before, Generation given)
      throws IOException, InterruptedException {
    Generation newest = newest(list());
    Generation at = before.next();
    for (int asked = 0; asked < MOST_ASKED && at.compareTo(given) < 0; asked++, at = at.next()) {
      if (exists(name(at).object())) {
        return at;
      }
    }
    return newest;
  }

  private boolean exists(ObjectName object) throws IOException, InterruptedException {
    try {
      remote.storage().head(object, ASK);
      return true;
    } catch (StoreException.NotFound _) {
      return false;
    }
  }

  private @Nullable TenantManifest find(Generation before, Generation listed)
      throws IOException, InterruptedException {
    Generation newest =
        NewestObject.find(
            remote.storage(), listed, before, generation -> name(generation).object(), ASK);
    return newest.equals(Generation.NONE) ? null : read(newest);
  }

  private TenantManifest read(Generation generation) throws IOException, InterruptedException {
    ObjectName object = name(generation).object();
    byte[] bytes = remote.storage().read(object, MOST_BYTES, ASK);
    return TenantManifest.read(bytes, id, object + " in " + remote.storage());
  }
}
