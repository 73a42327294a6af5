package dev.varve.simulation;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.timeline.Timeline;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Reads of what is out of reach: they must be refused, whatever the layers still have.
final class Refusals {

  private final World world;

  Refusals(World world) {
    this.world = world;
  }

  /// Reads before the GC cutoff, just there or anywhere, and after the last record.
  void some(ModelTimeline model) {
    long before = model.readableFrom() - 1;
    if (world.random().nextBoolean()) {
      before = world.random().nextLong(model.readableFrom());
    }
    if (!world.real(model).isReadable(new Lsn(before))) {
      refused(model, before, PageserverException.InvalidRequest.class);
    }
    refused(model, model.last() + 1, PageserverException.Unavailable.class);
  }

  private void refused(
      ModelTimeline model, long lsn, Class<? extends PageserverException> expected) {
    int how = world.random().nextInt(5);
    try {
      read(world.real(model), how, new Lsn(lsn));
    } catch (PageserverException e) {
      Finding.require(expected.isInstance(e), "refused as of " + lsn + " otherwise: " + e);
      return;
    }
    throw new Finding("timeline %s can be read as of %d, in way %d".formatted(model, lsn, how));
  }

  private static void read(Timeline timeline, int how, Lsn lsn) {
    Key page = TableRules.page(0);
    MemorySegment target = MemorySegment.ofArray(new byte[HashRedo.PAGE]);
    switch (how) {
      case 0 -> timeline.page(page, lsn, target);
      case 1 -> timeline.pages(List.of(page), lsn, target, (_, _) -> {});
      case 2 -> timeline.value(TableRules.value(0), lsn);
      case 3 -> timeline.scan(Entries.VALUE_KEYS, lsn, (_, _) -> {});
      default -> timeline.history(TableRules.value(0), Lsn.ZERO, lsn, (_, _) -> {});
    }
  }
}
