package dev.varve.simulation;

import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.Lease;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// How the tenant goes from one node to another by way of the object store: in order, or because
/// the node that has it is thought to be dead, which it need not be. Of what that node had, only
/// what it did not say was in the store may be missing.
final class Moves {

  private final World world;
  private final Cloud cloud;
  private final Restarts restarts;
  private final Lives lives;
  private final Configuring configuring;
  private final Attempts attempts;

  Moves(World world, Cloud cloud, Restarts restarts, Lives lives) {
    this.world = world;
    this.cloud = cloud;
    this.restarts = restarts;
    this.lives = lives;
    configuring = new Configuring(world);
    attempts = new Attempts(world, cloud);
  }

  /// Another node attaches the tenant while this one goes on, or is cut off.
  void take() throws IOException {
    take(false);
  }

  /// @param settled whether the object store has all that there is, and nothing else
  private void take(boolean settled) throws IOException {
    if (world.present().stream().noneMatch(model -> model.remote() > 0)) {
      return; // there is nothing to be taken
    }
    world.history().note("take");
    leave();
    if (!settled) {
      sometimesSet();
    }
    if (!settled && world.random().nextInt(3) == 0) {
      beginBranch();
    }
    Node before = node();
    Set<String> stored = cloud.interval().map(Set::of).orElse(Set.of());
    Map<String, ModelTimeline> forks = Ghost.forks(world.present());
    if (!settled && world.random().nextInt(3) == 0) {
      before = restarted(before);
    } else {
      before.line().setStoreAway(world.random().nextInt(3) == 0);
      before.line().setAuthorityAway(world.random().nextInt(3) == 0);
    }
    if (!settled && world.random().nextInt(4) == 0) {
      world.history().note("  damage object", cloud.bucket().damageNaming(world.random(), true));
    }
    Node after = attempts.attach(other(), before);
    learn(before, after, settled ? Set.of() : stored);
    Map<TimelineId, Long> found = takeOver(after, settled);
    var ghost = new Ghost(world, before, forks, found);
    ghost.claims();
    world.setGhost(ghost);
    goOn(after);
  }

  /// Something is set just before, and may not come into the store at once.
  private void sometimesSet() {
    if (world.random().nextInt(4) == 0) {
      node().line().setPartAway(world.random().nextBoolean() ? "manifest-" : "");
      configuring.configure(false);
    }
  }

  /// A branch is made just before, and is on its way into the store, as far as that lets it.
  private void beginBranch() {
    Line line = node().line();
    line.setPartAway(world.random().nextBoolean() ? "manifest-" : "");
    try {
      ModelTimeline branch = lives.branch();
      if (branch != null && world.isThere(branch)) {
        world.server().tenants().upload(world.real(branch), Duration.ofSeconds(20));
      }
      for (int i = world.random().nextInt(20); i > 0; i--) {
        world.server().threads().step();
      }
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
    }
  }

  /// The process of a node ends, and another begins; but it has not come to ask for the tenant when
  /// another node does.
  private Node restarted(Node before) throws IOException {
    world.history().note("  the node begins anew");
    before.line().setAuthorityAway(true);
    SimulatedDisk disk = before.disk().crash(world.random());
    before.server().bury();
    Node node = world.start(disk, before.line(), before.server().now());
    node.line().setCalm(true); // for all that is away
    node.line().setCalm(false);
    return node;
  }

  /// The tenant is detached, and attached by this node or another.
  void detach() throws IOException {
    if (!secure()) {
      return;
    }
    Node before = node();
    boolean here = world.random().nextBoolean();
    Node after = attempts.attach(here ? before : other(), before);
    learn(before, after, Set.of());
    takeOver(after, true);
    if (!here) {
      world.setGhost(new Ghost(world, before, new TreeMap<>(), Map.of()));
    }
    goOn(after);
  }

  private Node node() {
    Line line = world.line();
    if (line == null) {
      throw new IllegalStateException("there is no object store");
    }
    return new Node(world.disk(), world.server(), line);
  }

  /// Nobody uses the node any more.
  private void leave() {
    world.disk().heal();
    world.disk().interleave(() -> {}, () -> {});
    world.closeWriters();
    for (ModelTimeline model : world.present()) {
      world.closeHolds(model);
    }
  }

  /// @return false when it was not detached
  private boolean secure() {
    world.history().note("detach");
    Attempts.live(world.disk());
    leave();
    sometimesSet();
    var models = new TreeMap<>(world.models());
    var stopped = new TreeMap<>(world.stopped());
    world.models().clear();
    world.stopped().clear();
    models.values().forEach(world.stopping()::add);
    try {
      world.server().tenants().detach(World.TENANT, Duration.ofMinutes(3));
      models.putAll(stopped);
      models.values().forEach(model -> model.promiseRemote(model.last()));
      world.models().putAll(models);
      world.stopping().clear();
      return true;
    } catch (PageserverException.Unavailable e) {
      world.models().putAll(models);
      world.stopped().putAll(stopped);
      if (world.disk().isDead()) {
        return false;
      }
      Finding.require(
          Line.isNamedBy(e.getMessage())
              || !node().line().isWell()
              || !world.damaged().isEmpty()
              || cloud.bucket().isDamaged(),
          "not detached: " + e.getMessage());
      world.history().note("  fails:", e.getMessage());
      models.values().forEach(this::requireGoingOn);
      world.stopping().clear();
      return false;
    }
  }

  private void requireGoingOn(ModelTimeline model) {
    TimelineState state = world.real(model).state();
    Finding.require(
        state instanceof TimelineState.Active || state instanceof TimelineState.Failing,
        model + " was not detached, and is " + state);
  }

  /// A node that has no tenant: one that has lost it and knows, or a new one.
  private Node other() throws IOException {
    Ghost ghost = world.ghost();
    world.setGhost(null);
    if (ghost != null) {
      if (ghost.knows() && !ghost.node().disk().isDead()) {
        world.history().note("  the node that had it before");
        ghost.node().line().setCalm(false);
        ghost.node().line().setStoreAway(false);
        ghost.node().line().setAuthorityAway(false);
        Attempts.live(ghost.node().disk());
        keepTime(ghost.node());
        return ghost.node();
      }
      ghost.end();
    }
    world.history().note("  a new node");
    var disk = new SimulatedDisk();
    disk.limit(world.swarm().mostBytes());
    return world.start(disk, cloud.newLine(), world.now());
  }

  /// All nodes have about the same time.
  private void keepTime(Node node) {
    Duration behind = Duration.between(node.server().now(), world.now());
    if (behind.isPositive()) {
      node.server().threads().pass(behind);
    }
  }

  /// Compares what the node has found with what was promised.
  ///
  /// @param settled whether the object store has all that there is, and nothing else
  /// @return up to where each timeline is there
  private Map<TimelineId, Long> takeOver(Node node, boolean settled) {
    Map<TimelineId, ModelTimeline> known = new HashMap<>();
    List<ModelTimeline> lives = world.present();
    lives.forEach(model -> known.put(model.id(), model));
    if (!settled) {
      world.gone().values().forEach(model -> known.put(model.id(), model));
      world.uncertain().values().forEach(model -> known.put(model.id(), model));
    }
    Map<TimelineId, Long> found = new HashMap<>();
    Set<ModelTimeline> there = new HashSet<>();
    for (Timeline real : node.server().tenants().timelines()) {
      ModelTimeline model = known.get(real.id());
      if (model == null) {
        throw new Finding(real + " is attached, and should not be there any more");
      }
      takeOver(model, real);
      found.put(model.id(), model.durable());
      there.add(model);
    }
    for (ModelTimeline model : lives) {
      Finding.require(
          there.contains(model) || model.remote() == 0 || isWithoutRoot(model),
          "%s was in the object store up to %d, and is not found there"
              .formatted(model, model.remote()));
    }
    world.uncertain().clear();
    world.stopped().clear();
    world.stopping().clear();
    world.models().clear();
    for (ModelTimeline model : there) {
      world.models().put(model.name(), model);
      world.gone().remove(model.name());
    }
    return found;
  }

  /// Whether nothing of the timeline that it came from was in the store.
  private static boolean isWithoutRoot(ModelTimeline model) {
    ModelTimeline root = model;
    for (ModelTimeline at = model; at != null; at = at.ancestor()) {
      root = at;
    }
    return root.remote() == 0;
  }

  private void takeOver(ModelTimeline model, Timeline real) {
    long last = real.lastRecordLsn().value();
    world.history().note("  finds", model, "up to", last);
    Finding.require(
        real.state() instanceof TimelineState.Active,
        model + " is " + real.state() + " when it is attached");
    Finding.require(
        last >= model.remote() && last <= model.last(),
        "%s was in the object store up to %d, and is found up to %d of %d"
            .formatted(model, model.remote(), last, model.last()));
    Map<Long, Instant> leases = new HashMap<>();
    for (Lease lease : real.leases()) {
      leases.put(lease.lsn().value(), lease.until());
    }
    model.takeOver(last, real.readableFrom().value(), leases);
  }

  /// Looks what the node has found to be set for the tenant.
  ///
  /// @param stored what the store said when the node began, unless all that was set was there
  private void learn(Node before, Node after, Set<String> stored) {
    List<ModelTimeline> models = world.known();
    models.addAll(world.gone().values());
    Settings settings = world.settings();
    var all = new TreeSet<>(settings.onDisk());
    all.addAll(stored);
    settings.next(models, before.server().now(), all);
    settings.learn(world, after.server());
  }

  private void goOn(Node node) {
    keepTime(node);
    world.become(node);
    world.server().begin();
    restarts.replay();
  }

  /// For the end of a run: a new node has all that this one had.
  void takeAll() throws IOException {
    if (world.present().isEmpty()) {
      return;
    }
    var all = new ArrayList<>(world.present());
    all.forEach(model -> model.promiseRemote(model.last()));
    take(true);
  }
}
