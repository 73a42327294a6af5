package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.TenantId;
import dev.varve.remote.ObjectName;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.Urgency;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How a tenant of the data directory gets its generation.
///
/// Whoever is given a generation begins with a manifest of it, before anything else that counts. So
/// a manifest of a generation that the data directory does not know says that another node had the
/// tenant in between, and what is here is not the newest. A generation without a manifest was used
/// up by an attempt that came to nothing, or is of a node that is about to put one. So the next one
/// is asked for only on the condition that nobody was given another since it was looked.
///
/// {@link #attempt} is for one thread; any may ask the rest.
final class Attachment {

  private static final System.Logger LOG = System.getLogger(Attachment.class.getName());

  private static final RemoteCall ASK = new RemoteCall(Urgency.UPLOAD, 3, Duration.ofSeconds(30));

  /// More generations than these in between, and only the list of manifests is asked.
  private static final int MOST_ASKED = 64;

  /// How long another node may take from its generation to its manifest.
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private final TenantId id;
  private final Remote remote;
  private final TenantRecords records;
  private final InstantSource clock;
  private volatile TenantRecord own;
  private volatile boolean read;
  private volatile boolean done;
  private Generation previous = Generation.NONE;
  private @Nullable TenantManifest manifest;
  private List<ObjectName> manifests = List.of();

  /// A generation without a manifest that another node was given.
  private Generation awaited = Generation.NONE;

  private Instant awaitedSince = Instant.MIN;

  Attachment(TenantId id, Remote remote, TenantRecords records, InstantSource clock) {
    this.id = id;
    this.remote = remote;
    this.records = records;
    this.clock = clock;
    own = TenantRecord.of(id);
    try {
      own = records.get(id);
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

  /// What is set for the tenant at present; when done.
  Map<String, String> configuration() {
    return records.known(id).orElse(own).settings().texts();
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
      own = records.get(id);
      read = true;
    }
    Generation before = own.generation();
    RemoteStorage storage = remote.storage();
    List<Generation> found = StoredManifest.listed(storage, id, ASK);
    Optional<String> refusal = refusal(StoredManifest.newest(found));
    if (refusal.isPresent()) {
      return refusal;
    }
    StoredManifest stored = StoredManifest.findNewest(storage, id, found, before, ASK);
    if (stored == null && own.hasManifest() && !remote.mayBeNew()) {
      throw new IOException(
          "%s has nothing of tenant %s, which it had: is it mounted, are bucket and prefix right? If it is a new store: copy the old one's objects, or start the server once with --new-store"
              .formatted(storage, id));
    }
    manifest = stored == null ? null : stored.manifest();
    manifests = found.stream().map(generation -> StoredManifest.name(id, generation)).toList();
    Claim claim = remote.generations().attachIfNewest(id, before, before);
    if (claim instanceof Claim.Outdated(Generation newest, Optional<String> node)) {
      refusal = refusal(newestAbove(before, newest));
      if (refusal.isPresent()) {
        return refusal; // without having taken it from whoever has it
      }
      requireGivenUp(newest, node);
      claim = remote.generations().attachIfNewest(id, newest, before);
    }
    switch (claim) {
      case Claim.Granted(Generation given) -> take(given);
      case Claim.Outdated(Generation newest, Optional<String> node) ->
          throw attachedNow(newest, node);
    }
    return Optional.empty();
  }

  /// Whoever was given a generation and has not put a manifest either came to nothing, or is about
  /// to: another node is given the time for that.
  private void requireGivenUp(Generation newest, Optional<String> node) throws IOException {
    Instant now = clock.instant();
    if (!newest.equals(awaited)) {
      awaited = newest;
      awaitedSince = now;
    }
    if (node.isPresent() && now.isBefore(awaitedSince.plus(PATIENCE))) {
      throw attachedNow(newest, node);
    }
  }

  private IOException attachedNow(Generation newest, Optional<String> node) {
    return new IOException(
        "tenant %s may be on its way to %s, which was given generation %s after %s of this data directory"
            .formatted(id, node.orElse("another node"), newest, own.generation()));
  }

  private void take(Generation given) throws IOException {
    TenantRecord attached = records.change(id, record -> record.withGeneration(given));
    previous = own.generation();
    own = attached;
    done = true;
  }

  /// The store has a manifest. When done.
  void noteManifest() throws IOException {
    records.change(id, TenantRecord::withManifest);
  }

  private Optional<String> refusal(Generation newest) {
    return newest.compareTo(own.generation()) <= 0
        ? Optional.empty()
        : Optional.of(
            "tenant %s was attached elsewhere: %s has its generation %s, and this data directory %s; varve attach %1$s takes it back"
                .formatted(id, remote.storage(), newest, own.generation()));
  }

  /// A manifest of another node; {@link Generation#NONE}: there is none. One that was put of late
  /// may not be listed yet.
  ///
  /// @param given the newest that there can be; below `before`: the authority does not know
  private Generation newestAbove(Generation before, Generation given)
      throws IOException, InterruptedException {
    long between = Integer.toUnsignedLong(given.value()) - Integer.toUnsignedLong(before.value());
    long most = between > 0 ? Math.min(between, MOST_ASKED) : NewestObject.MOST_ASKED;
    Generation found = StoredManifest.findAfter(remote.storage(), id, before, most, ASK);
    return found.equals(Generation.NONE)
        ? StoredManifest.newest(StoredManifest.listed(remote.storage(), id, ASK))
        : found;
  }
}
