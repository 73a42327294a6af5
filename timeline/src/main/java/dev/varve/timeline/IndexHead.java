package dev.varve.timeline;

import dev.varve.model.Lsn;
import java.util.List;

/// All of an {@link IndexPart} but the list of layers, which says most and is asked for least.
record IndexHead(
    Lsn diskConsistentLsn,
    Lsn readableFrom,
    boolean imported,
    List<Lease> leases,
    LayerSummary layers,
    long nextCopy) {

  /// Of a timeline of which nothing is known.
  static final IndexHead UNKNOWN = new IndexPart(Lsn.ZERO, Lsn.MAX, true, List.of()).head();
}
