package dev.varve.simulation;

import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/// What the node that has the tenant does with the object store; nothing where there is none.
final class Storing {

  /// How often the whole store is looked through.
  private static final int SCRUBBED = 12;

  static final long ROOMY = 1L << 50;

  private final World world;

  Storing(World world) {
    this.world = world;
  }

  /// Everything of a timeline is put into the store, if that can be reached.
  void upload() {
    ModelTimeline model = world.any();
    Duration limit = Duration.ofMinutes(1 + world.random().nextInt(5));
    long before = world.real(model).diskConsistentLsn().value();
    boolean done = world.server().tenants().upload(world.real(model), limit);
    world.history().note("upload", model, done);
    if (done && !world.disk().isDead()) {
      long remote = remote(world.real(model));
      Finding.require(
          remote >= before || (remote == 0 && model.ancestor() != null),
          "%s was uploaded at %d, and is in the object store up to %d"
              .formatted(model, before, remote));
    }
  }

  private static long remote(Timeline timeline) {
    return timeline.uploadState().orElseThrow().remoteConsistentLsn().value();
  }

  /// The store, a part of it, or the authority goes away or comes back.
  void weather() {
    Line line = line();
    boolean away = world.random().nextBoolean();
    int what = world.random().nextInt(4);
    world.history().note("away:", away, what);
    switch (what) {
      case 0 -> line.setAuthorityAway(away);
      case 1 -> line.setPartAway(away ? part() : "");
      default -> line.setStoreAway(away);
    }
  }

  private String part() {
    List<String> parts = Swarm.STUBBORN;
    return parts.get(world.random().nextInt(parts.size()));
  }

  private Line line() {
    Line line = world.line();
    if (line == null) {
      throw new IllegalStateException("there is no object store");
    }
    return line;
  }

  /// The disk becomes too full, and the node looks at it; then there may be room again.
  void evict() {
    world.history().note("evict");
    fill(line(), world.disk(), world.random());
    world.server().threads().pass(Duration.ofMinutes(1));
    if (world.random().nextBoolean()) {
      line().setRoom(ROOMY);
    }
  }

  /// Leaves a disk with less room than what it should have.
  static void fill(Line line, SimulatedDisk disk, SplittableRandom random) {
    long most = disk.used() * 100 / Cloud.HIGH_WATER;
    line.setRoom(1 + (long) (random.nextDouble() * most));
  }

  private Cloud cloud() {
    Cloud cloud = world.cloud();
    if (cloud == null) {
      throw new IllegalStateException("there is no object store");
    }
    return cloud;
  }

  /// After each step: another node does something, and what is in the store is looked at.
  void after() throws IOException {
    Cloud cloud = world.cloud();
    if (cloud == null || world.disk().isDead()) {
      return;
    }
    notice();
    Ghost ghost = world.ghost();
    if (ghost != null && world.random().nextBoolean()) {
      ghost.step();
    }
    if (world.random().nextInt(SCRUBBED) == 0) {
      Thread.interrupted(); // of a task that was cancelled
      cloud.requireWhole(false);
    }
    Finding.require(
        cloud.bucket().violations().isEmpty(), "in the store: " + cloud.bucket().violations());
  }

  /// What is said to be in the store is so for whoever has the tenant next; and who has it is never
  /// told that it has not.
  void notice() {
    cloud().requireNamed(world.present());
    for (ModelTimeline model : world.present()) {
      if (world.isThere(model)) {
        Timeline real = world.real(model);
        TimelineState state = real.state();
        Finding.require(
            !(state instanceof TimelineState.Lost), model + " is " + state + ", at its owner");
        model.promiseRemote(remote(real));
        Finding.require(
            remote(real) <= real.diskConsistentLsn().value(),
            "%s is in the object store up to %d, and durable here to %s"
                .formatted(model, remote(real), real.diskConsistentLsn()));
      }
    }
  }

  /// Everything can be reached again, and is uploaded: then the store has it all.
  void finish() {
    Line line = world.line();
    if (line == null) {
      return;
    }
    line.setCalm(true);
    world.disk().heal();
    world.disk().dieAt(Long.MAX_VALUE / 2);
    world.disk().dieAtSync(Long.MAX_VALUE / 2);
    world.server().threads().pass(Duration.ofMinutes(5)); // what has failed is tried again
    for (ModelTimeline model : world.present()) {
      world.real(model).checkpoint();
      Finding.require(upload(world.real(model)), model + " can't be uploaded");
    }
    for (ModelTimeline model : world.present()) {
      Timeline real = world.real(model);
      Finding.require(
          remote(real) == real.diskConsistentLsn().value(),
          "all of %s is in the object store, but only up to %d, it says"
              .formatted(model, remote(real)));
    }
    world.server().threads().pass(Duration.ofMinutes(5)); // what was deleted goes
    notice();
    Finding.require(
        world.settings().inForce().equals(cloud().interval().map(Set::of).orElse(Set.of())),
        "%s is set, and %s in the object store"
            .formatted(world.settings().inForce(), cloud().interval()));
    Thread.interrupted(); // of a task that was cancelled
    cloud().requireWhole(true);
  }

  private boolean upload(Timeline real) {
    return world.server().tenants().upload(real, Duration.ofMinutes(10));
  }
}
