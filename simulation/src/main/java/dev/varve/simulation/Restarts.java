package dev.varve.simulation;

import dev.varve.testkit.disk.DiskFault;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;

/// How processes end and begin: after a crash, all that was promised must be there.
final class Restarts {

  private final World world;
  private final Writing writing;
  private final Checks checks;
  private final Cleaning cleaning;

  Restarts(World world, Writing writing, Checks checks, Cleaning cleaning) {
    this.cleaning = cleaning;
    this.world = world;
    this.writing = writing;
    this.checks = checks;
  }

  /// The power goes, if it has not yet.
  void crash() throws IOException {
    world.history().note("crash");
    notePromises();
    SimulatedDisk left = world.disk().crash(world.random());
    bury();
    start(left);
  }

  private void bury() {
    world.disk().interleave(() -> {}, () -> {});
    world.forgetUsers();
    world.server().bury();
  }

  /// A source of WAL forgets what a timeline says is durable, and people what it says has gone.
  private void notePromises() {
    for (ModelTimeline model : world.present()) {
      if (world.isThere(model)) {
        Timeline real = world.real(model);
        model.promise(real.diskConsistentLsn().value());
        real.uploadState()
            .ifPresent(state -> model.promiseRemote(state.remoteConsistentLsn().value()));
        checks.notice(model);
      }
    }
  }

  /// The process ends as it should, and another begins.
  void restart() throws IOException {
    world.history().note("restart");
    SimulatedDisk disk = world.disk();
    disk.heal();
    disk.interleave(() -> {}, () -> {});
    world.closeWriters();
    var before = new HashMap<ModelTimeline, Long>();
    for (ModelTimeline model : world.models().values()) {
      before.put(model, world.real(model).lastRecordLsn().value());
    }
    world.server().threads().pass(Duration.ofMinutes(1)); // until what failed was tried again
    notePromises();
    world.server().tenants().close();
    if (!disk.isDead()) {
      before.forEach(ModelTimeline::promise);
      long left = world.server().tenants().layerMemory();
      Finding.require(left == 0, left + " bytes of layers are left in a closed process");
    }
    SimulatedDisk next = disk.crash(world.random());
    bury();
    start(next);
  }

  private void start(SimulatedDisk disk) throws IOException {
    SimulatedDisk next = disk;
    boolean faults = world.swarm().startFaults();
    while (!startsWell(next, faults && world.random().nextBoolean())) {
      next = world.disk().crash(world.random());
      world.server().bury();
    }
    if (faults && world.random().nextBoolean()) {
      new BrokenStart(world, this, checks, cleaning).run();
    }
    world
        .uncertain()
        .forEach((name, model) -> {
          if (world.isThere(model)) {
            world.models().put(name, model);
          }
        });
    world.uncertain().clear();
    requireAll();
    replay();
  }

  /// @return false when the process died or could not read or write what it should
  boolean startsWell(SimulatedDisk disk, boolean faulty) throws IOException {
    if (faulty) {
      armForStart(disk);
    }
    Instant now = world.now();
    try {
      world.become(disk, world.open(disk, now));
    } catch (IOException e) {
      boolean expected = disk.isDead() || DiskFault.isNamedBy(String.valueOf(e.getMessage()));
      Finding.require(expected, "the process does not start: " + e);
      world.history().note("  does not start:", String.valueOf(e.getMessage()));
      return startsWell(disk.crash(world.random()), false);
    }
    if (disk.isDead()) {
      return false;
    }
    boolean failed = disk.faults() > 0;
    disk.heal();
    world.settings().learn(world, world.server());
    return !failed;
  }

  private void armForStart(SimulatedDisk disk) {
    int at = world.random().nextInt(30);
    switch (world.random().nextInt(4)) {
      case 0 -> disk.failAt(at, DiskFault.FULL);
      case 1 -> disk.failAt(at, DiskFault.BROKEN);
      case 2 -> disk.failReads(at, 1 + world.random().nextInt(10));
      default -> disk.dieAt(at);
    }
    world.history().note("  a fault while it starts, at", at);
  }

  private void requireAll() {
    for (ModelTimeline model : world.present()) {
      Timeline timeline = world.real(model);
      requireService(model, timeline);
      long last = timeline.lastRecordLsn().value();
      Finding.require(
          timeline.diskConsistentLsn().value() == last && last <= model.last(),
          "%s begins at %d, durable to %s, and was at %d"
              .formatted(model, last, timeline.diskConsistentLsn(), model.last()));
      requireNoOthers(model, timeline);
      Finding.require(
          last >= model.durable(),
          "%s was durable up to %d, and is at %d".formatted(model, model.durable(), last));
      checks.notice(model);
    }
    world.stopping().clear();
    int found = world.server().tenants().timelines().size();
    Finding.require(
        found == world.present().size(),
        "%d timelines instead of %s".formatted(found, world.present()));
  }

  /// A timeline is stopped when it was, and may be what it was to become.
  private void requireService(ModelTimeline model, Timeline timeline) {
    boolean stopped = timeline.state() instanceof TimelineState.Stopped;
    boolean wasStopped = world.stopped().containsKey(model.name());
    Finding.require(
        (stopped || timeline.state() instanceof TimelineState.Active)
            && (stopped == wasStopped || world.stopping().contains(model)),
        model + " is " + timeline.state() + " after a restart");
    if (stopped != wasStopped) {
      (stopped ? world.models() : world.stopped()).remove(model.name());
      (stopped ? world.stopped() : world.models()).put(model.name(), model);
    }
  }

  /// What no index part names is deleted when a process starts, unless something is missing.
  private void requireNoOthers(ModelTimeline model, Timeline timeline) {
    if (!timeline.damagedFiles().isEmpty()) {
      Damage.requireNoted(world, timeline, world.damaged());
      return;
    }
    long files =
        world.disk().syncedFiles().stream()
            .map(Path::toString)
            .filter(file -> file.contains(model.id().toString()))
            .filter(file -> !file.endsWith(".json"))
            .count();
    boolean right =
        world.cloud() != null ? files <= timeline.layerCount() : files == timeline.layerCount();
    Finding.require(
        right,
        "%s has %d layers, and %d files of layers".formatted(model, timeline.layerCount(), files));
  }

  void replay() {
    var left = new ArrayList<>(world.models().values());
    if (world.random().nextInt(4) == 0) {
      left.forEach(checks::asFarAsItIs);
    }
    while (!left.isEmpty()) {
      writing.replay(left.remove(world.random().nextInt(left.size())));
    }
    checks.some();
  }
}
