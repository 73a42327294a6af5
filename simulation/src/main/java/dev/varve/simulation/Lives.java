package dev.varve.simulation;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.testkit.disk.DiskFault;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// How timelines come and go.
final class Lives {

  private static final long FIRST_LSN = 1000;

  /// About how often a stop changes the disk.
  private static final int MOST_OF_STOP = 16;

  private final World world;
  private final Checks checks;

  Lives(World world, Checks checks) {
    this.world = world;
    this.checks = checks;
  }

  void createRoot() {
    if (world.models().size() >= world.swarm().timelines()) {
      return;
    }
    long readableFrom = FIRST_LSN + 8;
    var model = new ModelTimeline(world.newId(), world.newName(), null, FIRST_LSN, readableFrom);
    world.history().note("create", model, model.id());
    try {
      Timeline timeline =
          world
              .server()
              .tenants()
              .createRoot(
                  World.TENANT, model.id(), model.name(), 17, new Lsn(FIRST_LSN), Map.of("a", "b"));
      fill(timeline, model);
      world.uncertain().put(model.name(), model);
      timeline.markImported(new Lsn(readableFrom));
      world.uncertain().remove(model.name());
      model.promise(model.last());
      world.models().put(model.name(), model);
      if (world.settings().inForce().size() > 1) { // there was no tenant to be asked
        world.settings().learn(world, world.server());
      }
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      forgetImport(model);
    }
  }

  private void fill(Timeline timeline, ModelTimeline model) {
    var first = new WalEntry(FIRST_LSN, world.now(), world.entries().first(), true);
    try (ImageLoad load = timeline.imageLoad(new Lsn(FIRST_LSN))) {
      Entries.put(load, first);
      load.finish();
    }
    model.add(first);
    try (Ingest ingest = timeline.ingest()) {
      WalEntry record = world.entries().record(model, FIRST_LSN + 8, world.now(), false);
      Entries.put(ingest, record);
      ingest.advance(record.lsn());
      model.add(record);
    }
  }

  /// What failed to be imported is deleted.
  private void forgetImport(ModelTimeline model) {
    if (!world.disk().isDead() && world.isThere(model)) {
      world.disk().heal();
      world.server().tenants().delete(world.real(model));
      world.uncertain().remove(model.name());
    }
  }

  /// @return null when there is none
  @Nullable ModelTimeline branch() {
    if (world.models().isEmpty() || world.models().size() >= world.swarm().timelines()) {
      return null;
    }
    ModelTimeline ancestor = world.any();
    long first = world.real(ancestor).readableFrom().value();
    long at = first + world.random().nextLong(ancestor.last() - first + 1);
    List<Long> leased = world.kept(ancestor);
    at =
        switch (world.random().nextInt(6)) {
          case 0 -> ancestor.last();
          case 1 -> first;
          case 2 -> leased.isEmpty() ? at : leased.getFirst();
          default -> at;
        };
    var model =
        new ModelTimeline(world.newId(), world.newName(), ancestor, at, Math.min(at, first));
    world.history().note("branch", model, "of", ancestor, "at", at, model.id());
    world.uncertain().put(model.name(), model);
    try {
      world.server().tenants().branch(world.real(ancestor), model.id(), model.name(), new Lsn(at));
      world.models().put(model.name(), model);
      world.uncertain().remove(model.name());
      return model;
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      Finding.require(!world.isThere(model), "a branch that failed is there: " + model);
      return null;
    }
  }

  void delete() {
    ModelTimeline model = world.any();
    boolean leaf = world.present().stream().noneMatch(other -> other.ancestor() == model);
    if (world.models().size() < 2) {
      return;
    }
    world.history().note("delete", model);
    world.closeWriter(model);
    world.closeHolds(model);
    Timeline timeline = world.real(model);
    world.models().remove(model.name());
    world.uncertain().put(model.name(), model);
    try {
      world.server().tenants().delete(timeline);
      Finding.require(leaf, model + " was deleted, and has branches");
      world.uncertain().remove(model.name());
      world.gone().put(model.name(), model);
    } catch (PageserverException.Conflict e) {
      Finding.require(!leaf, "not deleted: " + e.getMessage());
      stays(model);
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      if (!world.disk().isDead()) {
        stays(model);
      }
    }
  }

  /// A timeline is stopped, for a moment or for longer. Meanwhile it is not read, but its branches
  /// are.
  void stop() {
    ModelTimeline model = world.any();
    world.history().note("stop", model);
    world.closeWriter(model);
    world.closeHolds(model);
    world.stopping().add(model);
    world.models().remove(model.name()); // whoever reads in between reads others
    if (world.random().nextInt(4) == 0) {
      world.disk().failAt(world.random().nextInt(MOST_OF_STOP), DiskFault.BROKEN);
    }
    try {
      world.server().tenants().stop(world.real(model));
      model.promise(model.last());
      requireStopped(model);
      world.stopping().remove(model);
      world.stopped().put(model.name(), model);
      for (ModelTimeline other : world.models().values()) {
        checks.page(other, 0, other.last());
      }
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      world.models().put(model.name(), model);
      requireGoingOn(model);
    }
    if (world.models().isEmpty() || world.random().nextBoolean()) {
      start();
    }
  }

  /// One that is stopped is started.
  void start() {
    if (!world.stopped().isEmpty()) {
      List<ModelTimeline> stopped = List.copyOf(world.stopped().values());
      start(stopped.get(world.random().nextInt(stopped.size())));
    }
  }

  private void start(ModelTimeline model) {
    world.history().note("start", model);
    requireStopped(model);
    world.stopping().add(model);
    try {
      world.server().tenants().start(world.real(model));
      world.stopped().remove(model.name());
      world.models().put(model.name(), model);
      world.stopping().remove(model);
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      if (!world.disk().isDead()) {
        requireStopped(model); // until a restart, perhaps
      }
    }
  }

  /// All go on.
  void startAll() {
    while (!world.stopped().isEmpty() && !world.disk().isDead()) {
      start();
    }
  }

  private void requireStopped(ModelTimeline model) {
    Timeline timeline = world.real(model);
    Finding.require(
        timeline.state() instanceof TimelineState.Stopped, model + " is " + timeline.state());
    try {
      timeline.value(TableRules.DROPPED, new Lsn(model.last()));
    } catch (PageserverException e) {
      return;
    }
    throw new Finding(model + " is stopped, and read");
  }

  /// What failed to be stopped goes on, also after a restart.
  private void requireGoingOn(ModelTimeline model) {
    if (!world.disk().isDead()) {
      world.stopping().remove(model);
      TimelineState state = world.real(model).state();
      Finding.require(
          state instanceof TimelineState.Active || state instanceof TimelineState.Failing,
          model + " was not stopped, and is " + state);
    }
  }

  private void stays(ModelTimeline model) {
    world.models().put(model.name(), model);
    world.uncertain().remove(model.name());
  }
}
