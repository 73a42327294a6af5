package dev.varve.simulation;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.TaskKind;
import dev.varve.timeline.Lease;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.time.Duration;

/// How layers are merged and history goes.
final class Cleaning {

  private final World world;

  Cleaning(World world) {
    this.world = world;
  }

  void compact() {
    ModelTimeline model = world.any();
    world.history().note("compact", model);
    world.real(model).compact();
  }

  /// All that is to go does.
  void clean() {
    world.history().note("clean");
    for (ModelTimeline model : world.models().values()) {
      if (world.isThere(model) && world.real(model).state() instanceof TimelineState.Active) {
        collect(model);
        if (!world.disk().isDead()) {
          world.real(model).compact();
        }
      }
    }
    world.server().threads().settle();
  }

  void collect() {
    collect(world.any());
  }

  private void collect(ModelTimeline model) {
    Timeline timeline = world.real(model);
    boolean upToDate = timeline.lastRecordLsn().value() == model.last();
    long wanted = upToDate ? world.settings().cutoff(model, world.now()) : 0;
    long least = Math.min(wanted, timeline.diskConsistentLsn().value());
    try {
      timeline.collectGarbage();
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      return;
    }
    long first = timeline.readableFrom().value();
    world.history().note("collect", model, "readable from", first);
    Finding.require(
        first >= least,
        "%s is readable from %d, and should be from %d".formatted(model, first, least));
  }

  /// A timeline rests, now or whenever it is its turn, which may be in the middle of reads and
  /// merges. It can when it has no writer, and nothing in memory.
  void rest() {
    ModelTimeline model = world.any();
    world.history().note("rest", model);
    world.closeWriter(model);
    if (world.random().nextBoolean()) {
      world.real(model).checkpoint();
      model.promise(model.last());
    }
    Timeline timeline = world.real(model);
    for (int later = world.random().nextInt(3); later > 0; later--) {
      world.server().threads().execute(TaskKind.Threads.WAITING, "rest", () -> rest(timeline));
    }
    rest(timeline);
  }

  private void rest(Timeline timeline) {
    try {
      timeline.rest();
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
    }
  }

  void hold() {
    ModelTimeline model = world.any();
    long first = world.real(model).readableFrom().value();
    long lsn = first + world.random().nextLong(model.last() - first + 1);
    world.history().note("hold", model, "as of", lsn);
    world.hold(model, lsn);
  }

  void letGo() {
    ModelTimeline model = world.any();
    world.history().note("let go of", model);
    world.closeHolds(model);
  }

  void lease() {
    ModelTimeline model = world.any();
    Timeline timeline = world.real(model);
    long first = timeline.readableFrom().value();
    long lsn = first + world.random().nextLong(model.last() - first + 1);
    Duration length = Duration.ofMinutes(1 + world.random().nextInt(60));
    world.history().note("lease", model, "as of", lsn, "for", length);
    try {
      Lease lease = timeline.lease(new Lsn(lsn), length);
      model.lease(lsn, lease.until());
    } catch (PageserverException.InvalidRequest e) {
      Finding.require(lsn < timeline.readableFrom().value(), "no lease: " + e.getMessage());
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
    }
  }
}
