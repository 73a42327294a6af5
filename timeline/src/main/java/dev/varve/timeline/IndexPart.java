package dev.varve.timeline;

import dev.varve.layer.LayerName;
import dev.varve.model.Lsn;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/// What changes of a timeline: which layer files are its, and what they reach. Authoritative: a
/// file that is not named here does not count.
///
/// @param diskConsistentLsn all up to here is in the layers
/// @param readableFrom the GC cutoff: the earliest LSN that a read may ask for. It only rises, and
///   is durable here before anything before it is dropped
/// @param imported whether the first data is complete; if not, a restart discards the timeline
/// @param leases LSNs before the cutoff, or soon to be, that are to stay readable
/// @param nextCopy above the {@linkplain LayerName#copy() numbers} of all layers that any index
///   part of the timeline has ever named: no layer gets the name of one that is gone, whose object
///   may be deleted later than this one's is put
record IndexPart(
    Lsn diskConsistentLsn,
    Lsn readableFrom,
    boolean imported,
    List<LayerEntry> layers,
    List<Lease> leases,
    long nextCopy) {

  IndexPart {
    layers = List.copyOf(layers);
    leases = List.copyOf(leases);
    if (nextCopy < copyAfter(layers)) {
      throw new IllegalArgumentException(
          "a layer has a number that is not below " + nextCopy + ", the next");
    }
  }

  /// Without leases, and with no layers that are gone.
  IndexPart(Lsn diskConsistentLsn, Lsn readableFrom, boolean imported, List<LayerEntry> layers) {
    this(diskConsistentLsn, readableFrom, imported, layers, List.of(), copyAfter(layers));
  }

  /// The lowest number that is above those of all these layers.
  static long copyAfter(Collection<LayerEntry> layers) {
    long next = 0;
    for (LayerEntry entry : layers) {
      next = Math.max(next, Integer.toUnsignedLong(entry.name().copy()) + 1);
    }
    return next;
  }

  /// What a head says when there are no layers.
  static IndexPart withoutLayers(IndexHead head) {
    return new IndexPart(
        head.diskConsistentLsn(),
        head.readableFrom(),
        head.imported(),
        List.of(),
        head.leases(),
        head.nextCopy());
  }

  /// Without the list of layers.
  IndexHead head() {
    return new IndexHead(
        diskConsistentLsn, readableFrom, imported, leases, LayerSummary.of(layers), nextCopy);
  }

  IndexPart withFlushed(Lsn newDiskConsistentLsn, Collection<LayerEntry> more) {
    var all = new ArrayList<>(layers);
    all.addAll(more);
    return new IndexPart(
        newDiskConsistentLsn, readableFrom, imported, all, leases, copyAfter(nextCopy, more));
  }

  /// @param before entries that are in here
  /// @param after what takes their place
  IndexPart withMerged(Collection<LayerEntry> before, Collection<LayerEntry> after) {
    var all = new ArrayList<>(layers);
    all.removeAll(Set.copyOf(before));
    if (all.size() != layers.size() - before.size()) {
      throw new IllegalStateException("a merged layer is not in the index part");
    }
    all.addAll(after);
    return new IndexPart(
        diskConsistentLsn, readableFrom, imported, all, leases, copyAfter(nextCopy, after));
  }

  private static long copyAfter(long next, Collection<LayerEntry> more) {
    return Math.max(next, copyAfter(more));
  }

  IndexPart withLayers(List<LayerEntry> newLayers) {
    return new IndexPart(diskConsistentLsn, readableFrom, imported, newLayers, leases, nextCopy);
  }

  IndexPart withImported(Lsn newReadableFrom) {
    return new IndexPart(diskConsistentLsn, newReadableFrom, true, layers, leases, nextCopy);
  }

  /// Without the leases that have ended.
  IndexPart withCutoff(Lsn cutoff, Instant now) {
    var valid = leases.stream().filter(lease -> lease.until().isAfter(now)).toList();
    return new IndexPart(
        diskConsistentLsn, Lsn.max(readableFrom, cutoff), imported, layers, valid, nextCopy);
  }

  /// With another lease, or a longer one.
  IndexPart withLease(Lease lease) {
    var all = new ArrayList<>(leases);
    all.removeIf(other -> other.lsn().equals(lease.lsn()) && !other.until().isAfter(lease.until()));
    if (all.stream().noneMatch(other -> other.lsn().equals(lease.lsn()))) {
      all.add(lease);
    }
    return new IndexPart(diskConsistentLsn, readableFrom, imported, layers, all, nextCopy);
  }
}
