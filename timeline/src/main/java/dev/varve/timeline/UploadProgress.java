package dev.varve.timeline;

import dev.varve.layer.LayerName;
import dev.varve.model.Lsn;
import dev.varve.remote.generation.Generation;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// What the object store has of a timeline, compared with its index part. While both are the same,
/// that is all that is remembered: no list of layers. Any thread may call any method; a lock is
/// held for as long as it takes to go through a list of layers.
///
/// Changes of the index part are counted: the store is behind while the number of the last one that
/// it has is not that of the last.
final class UploadProgress {

  /// What waits for its index part for so long may look like an orphan, and have been deleted.
  private static final Duration LONG = Duration.ofHours(1);

  private final TimelineKey key;
  private final Remote settings;

  /// Tells which layers somebody reads that the timeline does not have any more.
  private final Predicate<LayerName> isRead;

  private long changes;
  private long stored = -1;

  /// The last change that is to be uploaded soon.
  private long asked = -1;

  private boolean known;

  /// Layers that the store has, while it may have others than the index part names.
  private @Nullable Set<RemoteName.LayerFile> there;

  /// Layers that the index part in the store names; null: those that the one here does.
  private @Nullable Set<RemoteName.LayerFile> named = Set.of();

  /// Layers that were put since the index part was, and when.
  private final Map<RemoteName.LayerFile, Instant> unnamed = new HashMap<>();

  /// Whether whoever attaches the tenant later finds that index part, or a later one.
  private boolean indexProven;

  /// The last index part, while an upload is under way.
  private @Nullable IndexPart latest;

  /// Of the newest index part that the store has; null: it has none.
  private @Nullable Generation indexGeneration;

  private final Set<RemoteName> obsolete = new LinkedHashSet<>();
  private Lsn put = Lsn.ZERO;
  private Lsn proven = Lsn.ZERO;
  private @Nullable Instant since;
  private int waitingLayers;
  private long waitingBytes;
  private @Nullable Instant indexPutAt;
  private @Nullable String failure;

  /// An index part that is to be put.
  ///
  /// @param change how many changes it has
  /// @param missing the layers of it that the store does not have
  record Taken(IndexPart part, long change, Set<RemoteName.LayerFile> missing) {}

  /// @param isRead whether somebody still reads a layer that the timeline does not have any more:
  ///   the object stays until nobody does
  UploadProgress(TimelineKey key, Remote settings, Predicate<LayerName> isRead) {
    this.key = key;
    this.settings = settings;
    this.isRead = isRead;
  }

  RemoteName.LayerFile object(LayerEntry entry) {
    return new RemoteName.LayerFile(key.tenant(), key.id(), entry.name(), entry.generation());
  }

  private Set<RemoteName.LayerFile> objects(Collection<LayerEntry> layers) {
    Set<RemoteName.LayerFile> objects = HashSet.newHashSet(layers.size());
    layers.forEach(entry -> objects.add(object(entry)));
    return objects;
  }

  /// The timeline was made just now: the store has nothing of it, and is to have it soon.
  synchronized void setNew(Instant now) {
    known = true;
    there = Set.of();
    named = there;
    since = now;
    asked = changes;
  }

  synchronized boolean isKnown() {
    return known;
  }

  /// What the store has was looked up. In the timeline's lane.
  ///
  /// @param found null: there is none
  synchronized void learn(@Nullable StoredIndex found, IndexPart local, Instant now) {
    known = true;
    if (found != null) {
      indexGeneration = found.generation();
      put = found.part().diskConsistentLsn();
      indexProven = true;
      proven = put; // of this generation or an earlier one: who attaches later finds no less
    }
    if (found != null && found.part().equals(local)) {
      setSame(changes);
      return;
    }
    there = found == null ? Set.of() : objects(found.part().layers());
    named = there; // What is put is added to a copy.
    since = since == null ? now : since;
    asked = changes; // it is not known how long that has waited
    measure(local);
  }

  private void setSame(long change) {
    stored = change;
    there = null;
    named = null;
    since = null;
    waitingLayers = 0;
    waitingBytes = 0;
  }

  /// The index part has changed, durably. In the timeline's lane.
  synchronized void change(IndexPart before, IndexPart after, Instant now) {
    if (known && there == null) {
      there = objects(before.layers());
      named = there;
    }
    changes++;
    since = since == null ? now : since;
    latest = latest == null ? null : after;
    measure(after);
  }

  private void measure(IndexPart part) {
    Set<RemoteName.LayerFile> have = there;
    if (have == null) {
      return;
    }
    waitingLayers = 0;
    waitingBytes = 0;
    for (LayerEntry entry : part.layers()) {
      if (!have.contains(object(entry))) {
        waitingLayers++;
        waitingBytes += entry.bytes();
      }
    }
  }

  /// What is to be uploaded now. In the timeline's lane.
  synchronized Taken take(IndexPart part) {
    Set<RemoteName.LayerFile> missing = objects(part.layers());
    if (there != null) {
      missing.removeAll(there);
      there = new HashSet<>(there);
    }
    latest = part;
    return new Taken(part, changes, missing);
  }

  /// The upload of what was taken has ended, in one way or another.
  synchronized void end() {
    IndexPart part = latest;
    latest = null;
    if (part != null) {
      measure(part);
    }
  }

  /// A layer is in the store.
  synchronized void layerPut(LayerEntry entry, Instant now) {
    unnamed.put(object(entry), now);
    if (there != null && there.add(object(entry))) {
      waitingLayers = Math.max(0, waitingLayers - 1);
      waitingBytes = Math.max(0, waitingBytes - entry.bytes());
    }
  }

  /// Layers that no index part names yet, and that were put long ago.
  synchronized List<LayerEntry> longUnnamed(IndexPart part, Instant now) {
    return part.layers().stream()
        .filter(entry -> unnamed.getOrDefault(object(entry), now).isBefore(now.minus(LONG)))
        .toList();
  }

  /// A layer that was put is not in the store any more.
  synchronized void layerGone(LayerEntry entry) {
    unnamed.remove(object(entry));
    if (there != null && there.remove(object(entry))) {
      waitingLayers++;
      waitingBytes += entry.bytes();
    }
  }

  /// An index part is in the store. What no index part names then is obsolete: layers that the one
  /// before named, or that were put for one that never was.
  synchronized void indexPut(Taken taken, Generation generation, Instant now) {
    Set<RemoteName.LayerFile> naming = objects(taken.part().layers());
    if (there != null) {
      there.stream().filter(object -> !naming.contains(object)).forEach(obsolete::add);
    }
    Generation before = indexGeneration;
    if (before != null && !before.equals(generation)) {
      obsolete.add(new RemoteName.Index(key.tenant(), key.id(), before));
    }
    unnamed.clear();
    indexGeneration = generation;
    indexProven = false;
    indexPutAt = now;
    put = taken.part().diskConsistentLsn();
    if (changes == taken.change()) {
      setSame(changes);
    } else {
      stored = taken.change();
      there = naming;
      named = naming;
      since = now;
    }
  }

  /// Objects that no index part in the store names, and nobody reads.
  synchronized List<RemoteName> obsolete() {
    return obsolete.stream().filter(this::isFree).toList();
  }

  private boolean isFree(RemoteName object) {
    return !(object instanceof RemoteName.LayerFile file) || !isRead.test(file.layer());
  }

  synchronized void deleted(Collection<RemoteName> objects) {
    obsolete.removeAll(objects);
  }

  /// Up to where all is in the store.
  synchronized Lsn put() {
    return put;
  }

  /// What was put up to here counts.
  synchronized void prove(Lsn lsn) {
    indexProven = true;
    proven = Lsn.max(proven, lsn);
  }

  synchronized Lsn proven() {
    return proven;
  }

  /// All changes up to now are to be uploaded soon.
  synchronized void ask() {
    asked = changes;
  }

  /// Whether there is something to be done by now.
  synchronized boolean isDue(Instant now) {
    return !known || isUploadDue(now) || isProofDue();
  }

  synchronized boolean isUploadDue(Instant now) {
    Instant start = since;
    return stored < asked
        || (stored < changes
            && (waitingBytes >= settings.waitingBytes()
                || (start != null && !now.isBefore(start.plus(settings.waitingTime())))));
  }

  /// Whether it is due for its age alone: then a few requests less are worth a moment's wait.
  synchronized boolean isUnhurried() {
    return stored >= asked && waitingBytes < settings.waitingBytes();
  }

  synchronized boolean isProofDue() {
    return proven.isBefore(put)
        || obsolete.stream().anyMatch(this::isFree)
        || (stored >= 0 && !indexProven);
  }

  /// Whether a layer's file may go: it is named by the newest index part in the store, which is
  /// known to count, so its object stays for as long as the timeline has the layer.
  ///
  /// @param entry that the index part has; in the timeline's lane, where it stays so
  synchronized boolean isSafe(LayerEntry entry) {
    if (!known || !indexProven) {
      return false;
    }
    Set<RemoteName.LayerFile> now = named;
    return now == null || now.contains(object(entry));
  }

  /// Whether a layer is in the store, named or not.
  synchronized boolean isThere(LayerEntry entry) {
    Set<RemoteName.LayerFile> have = there;
    return known && (have == null || have.contains(object(entry)));
  }

  /// Whether all is done that was {@linkplain #ask asked for}.
  synchronized boolean isDone() {
    return known && stored >= asked && !isProofDue();
  }

  /// @param reason null: all is well again
  synchronized void setFailure(@Nullable String reason) {
    failure = reason;
  }

  /// @param usable whether what is in the store can be used without this node
  /// @param ofTenant why its tenant is not attached or has no manifest, if that is so
  /// @param lost why the tenant is not this node's any more
  synchronized UploadState state(boolean usable, @Nullable String ofTenant, @Nullable String lost) {
    String reason = failure == null ? ofTenant : failure;
    return new UploadState(
        usable ? proven : Lsn.ZERO,
        Optional.ofNullable(since),
        waitingLayers,
        waitingBytes,
        Optional.ofNullable(indexPutAt),
        Optional.ofNullable(reason),
        Optional.ofNullable(lost));
  }
}
