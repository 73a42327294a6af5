package dev.varve.simulation;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Ingest;

/// What writers do.
final class Writing {

  private static final int LARGEST_GAP = 20;

  private final World world;
  private final Checks checks;

  Writing(World world, Checks checks) {
    this.world = world;
    this.checks = checks;
  }

  void ingest() {
    ModelTimeline model = world.any();
    int records = 1 + world.random().nextInt(world.swarm().records());
    long from = model.last();
    for (int i = 0; i < records; i++) {
      ingest(model, record(model, nextLsn(model), false));
    }
    world.history().note("ingest", model, records, "records", from, "to", model.last());
  }

  private WalEntry record(ModelTimeline model, long lsn, boolean loaded) {
    return world.entries().record(model, lsn, world.now(), loaded);
  }

  private long nextLsn(ModelTimeline model) {
    boolean close = world.random().nextInt(3) == 0;
    return model.last() + 1 + (close ? 0 : world.random().nextInt(LARGEST_GAP));
  }

  /// The model has it before, since a failure can come when all is in.
  private void ingest(ModelTimeline model, WalEntry record) {
    Ingest writer = world.writer(model);
    Entries.put(writer, record);
    model.add(record);
    writer.advance(record.lsn());
  }

  /// A record that copies pages.
  void load() {
    ModelTimeline model = world.any();
    WalEntry record = record(model, nextLsn(model), true);
    world.history().note("load", model, record.puts().size(), "images at", record.lsn());
    loadImages(model, record);
    model.add(record);
    world.writer(model).advance(record.lsn());
  }

  private void loadImages(ModelTimeline model, WalEntry record) {
    while (true) {
      try (ImageLoad load = world.real(model).imageLoad(new Lsn(record.lsn()))) {
        Entries.put(load, record);
        load.finish();
        return;
      } catch (PageserverException.Unavailable e) {
        world.requireExpected(e);
        if (world.disk().isDead()) {
          throw e;
        }
      }
    }
  }

  /// A writer is closed within a record. What is forgotten so must not turn up once its LSN is
  /// reached.
  void abandon() {
    ModelTimeline model = world.any();
    long lsn = model.last() + 5;
    world.history().note("abandon a record of", model, "at", lsn);
    Entries.put(world.writer(model), record(model, lsn, false));
    world.closeWriter(model);
    if (world.random().nextBoolean()) {
      ingest(model, record(model, lsn + 1, false));
      for (int block = 0; block < world.swarm().pages(); block++) {
        checks.page(model, block, model.last());
      }
      checks.values(model, model.last());
    }
  }

  /// From now on one table is not asked for.
  void drop() {
    ModelTimeline model = world.any();
    if (model.state(TableRules.DROPPED, model.last()) == null) {
      WalEntry record = world.entries().drop(nextLsn(model), world.now());
      world.history().note("drop a table of", model, "at", record.lsn());
      ingest(model, record);
    }
  }

  void close() {
    world.closeWriter(world.any());
  }

  void checkpoint() {
    ModelTimeline model = world.any();
    long last = world.real(model).lastRecordLsn().value();
    world.history().note("checkpoint", model, "at", last);
    try {
      world.real(model).checkpoint();
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      return;
    }
    model.promise(last);
    long durable = world.real(model).diskConsistentLsn().value();
    Finding.require(
        durable >= last, "a checkpoint of %s at %d, durable to %d".formatted(model, last, durable));
  }

  /// The source sends again what was not durable.
  void replay(ModelTimeline model) {
    long last = world.real(model).lastRecordLsn().value();
    for (WalEntry record : model.records()) {
      if (record.lsn() > last) {
        Ingest writer = world.writer(model);
        if (record.loaded()) {
          loadImages(model, record);
        } else {
          Entries.put(writer, record);
        }
        writer.advance(record.lsn());
      }
    }
  }
}
