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
record IndexPart(
    Lsn diskConsistentLsn,
    Lsn readableFrom,
    boolean imported,
    List<LayerEntry> layers,
    List<Lease> leases) {

  IndexPart {
    layers = List.copyOf(layers);
    leases = List.copyOf(leases);
  }

  /// Without leases.
  IndexPart(Lsn diskConsistentLsn, Lsn readableFrom, boolean imported, List<LayerEntry> layers) {
    this(diskConsistentLsn, readableFrom, imported, layers, List.of());
  }

  /// What a head says when there are no layers.
  static IndexPart withoutLayers(IndexHead head) {
    return new IndexPart(
        head.diskConsistentLsn(), head.readableFrom(), head.imported(), List.of(), head.leases());
  }

  /// Without the list of layers.
  IndexHead head() {
    return new IndexHead(
        diskConsistentLsn, readableFrom, imported, leases, LayerSummary.of(layers));
  }

  /// Whether a layer of that name is among these.
  boolean names(LayerName layer) {
    return layers.stream().anyMatch(entry -> entry.name().equals(layer));
  }

  IndexPart withFlushed(Lsn newDiskConsistentLsn, Collection<LayerEntry> more) {
    var all = new ArrayList<>(layers);
    all.addAll(more);
    return new IndexPart(newDiskConsistentLsn, readableFrom, imported, all, leases);
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
    return new IndexPart(diskConsistentLsn, readableFrom, imported, all, leases);
  }

  IndexPart withLayers(List<LayerEntry> newLayers) {
    return new IndexPart(diskConsistentLsn, readableFrom, imported, newLayers, leases);
  }

  IndexPart withImported(Lsn newReadableFrom) {
    return new IndexPart(diskConsistentLsn, newReadableFrom, true, layers, leases);
  }

  /// Without the leases that have ended.
  IndexPart withCutoff(Lsn cutoff, Instant now) {
    var valid = leases.stream().filter(lease -> lease.until().isAfter(now)).toList();
    return new IndexPart(diskConsistentLsn, Lsn.max(readableFrom, cutoff), imported, layers, valid);
  }

  /// With another lease, or a longer one.
  IndexPart withLease(Lease lease) {
    var all = new ArrayList<>(leases);
    all.removeIf(other -> other.lsn().equals(lease.lsn()) && !other.until().isAfter(lease.until()));
    if (all.stream().noneMatch(other -> other.lsn().equals(lease.lsn()))) {
      all.add(lease);
    }
    return new IndexPart(diskConsistentLsn, readableFrom, imported, layers, all);
  }
}
