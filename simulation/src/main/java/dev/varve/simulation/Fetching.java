package dev.varve.simulation;

import dev.varve.timeline.AbsentLayers;
import dev.varve.timeline.LayerReport;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/// Layer files that come back from the object store: those that were evicted, because somebody asks
/// for all of a timeline; and those that are damaged, by themselves.
final class Fetching {

  private static final String RESIDENT = "resident";

  /// Files of which somebody asks whether they are well are fetched at once, if they are not.
  private static final Duration AT_ONCE = Duration.ofSeconds(20);

  /// What could not be fetched, or is damaged, is looked at again within an hour.
  private static final Duration LOOKED_AGAIN = Duration.ofMinutes(62);

  private static final int MOST_ROUNDS = 4;

  /// About how many operations on the disk it takes to fetch some layers.
  private static final int OPERATIONS = 60;

  private final World world;
  private final Checks checks;
  private final Damage damage;
  private final SimulatedBucket bucket;
  private final Swarm.Stored swarm;

  Fetching(World world, Checks checks, Damage damage, Cloud cloud, Swarm.Stored swarm) {
    this.world = world;
    this.checks = checks;
    this.damage = damage;
    bucket = cloud.bucket();
    this.swarm = swarm;
  }

  private Line line() {
    Line line = world.line();
    if (line == null) {
      throw new IllegalStateException("there is no object store");
    }
    return line;
  }

  /// Somebody asks for all layers of a timeline; or for some, while others are evicted. Or the
  /// process dies meanwhile.
  void download() throws IOException {
    ModelTimeline model = world.any();
    world.history().note("download", model);
    int at = world.random().nextInt(OPERATIONS);
    switch (world.random().nextInt(6)) {
      case 0 -> world.disk().dieAt(at);
      case 1 -> world.disk().dieAtSync(at / 4);
      default -> {}
    }
    if (world.random().nextBoolean()) {
      downloadAll(model);
    } else {
      downloadSome(model);
    }
  }

  private void downloadSome(ModelTimeline model) {
    line().setRoom(Storing.ROOMY);
    for (int i = world.random().nextInt(4); i >= 0 && !world.disk().isDead(); i--) {
      AbsentLayers absent = AbsentLayers.fetch(world.real(model));
      world.history().note("  absent:", absent.layers());
      for (int steps = world.random().nextInt(12); steps > 0; steps--) {
        world.server().threads().step();
      }
      if (world.random().nextInt(3) == 0) {
        Storing.fill(line(), world.disk(), world.random());
        world.server().threads().pass(Duration.ofMinutes(1));
        line().setRoom(Storing.ROOMY);
      }
    }
  }

  /// With room, and a store that answers, all are here in the end.
  private void downloadAll(ModelTimeline model) throws IOException {
    if (world.random().nextBoolean()) {
      Storing.fill(line(), world.disk(), world.random());
      world.server().threads().pass(Duration.ofMinutes(1));
    }
    calm();
    int left = Integer.MAX_VALUE;
    try {
      for (int round = 0; round < MOST_ROUNDS && left > 0 && !world.disk().isDead(); round++) {
        AbsentLayers absent = AbsentLayers.fetch(world.real(model));
        left = absent.layers();
        world.history().note("  absent:", left);
        if (left > 0) { // else something may be evicted again
          world.server().threads().pass(round == 0 ? Duration.ofSeconds(10) : LOOKED_AGAIN);
        }
      }
    } finally {
      line().setCalm(false);
    }
    if (!world.disk().isDead() && swarm.evictAfter().isZero() && isWell(model)) {
      Finding.require(left == 0, "%d layers of %s can't be fetched".formatted(left, model));
      requireHere(model);
    }
  }

  private boolean isWell(ModelTimeline model) {
    for (ModelTimeline at = model; at != null; at = at.ancestor()) {
      String id = at.id().toString();
      if (bucket.isDamaged(at.id())
          || world.damaged().stream().anyMatch(file -> file.contains(id))) {
        return false;
      }
    }
    return true;
  }

  /// All layers are here that reads of the timeline may need.
  private void requireHere(ModelTimeline model) throws IOException {
    long end = model.last();
    for (ModelTimeline at = model; at != null; at = at.ancestor()) {
      for (LayerReport layer : LayerReport.of(world.real(at))) {
        Path file = world.layer(at, layer.file());
        Finding.require(
            layer.lsns().start().value() > end
                || (layer.state().equals(RESIDENT) && world.disk().isWell(file)),
            "%s is %s, and should be here for %s".formatted(file, layer.state(), model));
      }
      end = Math.min(end, at.start());
    }
  }

  private void calm() {
    line().setCalm(true);
    line().setRoom(Storing.ROOMY);
    world.disk().heal();
  }

  /// Damaged files whose layers the store has come from there, on request or by themselves; all
  /// others stay damaged.
  void fetchAgain() throws IOException {
    ModelTimeline model = world.any();
    world.history().note("fetch again", model);
    calm();
    try {
      fetchAgain(model, world.real(model));
    } finally {
      line().setCalm(false);
    }
  }

  private void fetchAgain(ModelTimeline model, Timeline real) throws IOException {
    boolean uploaded = world.server().tenants().upload(real, Duration.ofMinutes(2));
    Set<Path> stored = uploaded && !world.disk().isDead() ? stored(model, real) : Set.of();
    if (!world.disk().isDead()) {
      if (world.random().nextBoolean()) {
        damage.damageOf(model);
      }
      checks.all(model);
    }
    if (world.random().nextInt(4) == 0 && !world.disk().isDead()) {
      world.disk().dieAt(world.random().nextInt(OPERATIONS));
    }
    Set<Path> noted = noted(real);
    boolean asked = world.random().nextBoolean();
    if (!asked) {
      world.server().threads().pass(LOOKED_AGAIN);
    } else if (!world.disk().isDead()) {
      world.server().tenants().retry(real);
      world.server().threads().pass(AT_ONCE);
    }
    if (!world.disk().isDead()) {
      requireFetched(model, real, noted, stored);
      forgetWell(model);
    }
  }

  /// Files of layers that the store has for sure.
  private Set<Path> stored(ModelTimeline model, Timeline real) {
    var files = new HashSet<Path>();
    for (LayerReport layer : LayerReport.of(real)) {
      boolean isIntact =
          layer.isUploaded().orElse(false) && !bucket.isDamaged(model.id(), layer.file());
      if (isIntact) {
        files.add(world.layer(model, layer.file()));
      }
    }
    return files;
  }

  private static Set<Path> noted(Timeline real) {
    var files = new TreeSet<Path>();
    real.damagedFiles().forEach(damaged -> files.add(damaged.file()));
    return files;
  }

  private void requireFetched(
      ModelTimeline model, Timeline real, Set<Path> before, Set<Path> stored) throws IOException {
    Set<Path> after = noted(real);
    for (LayerReport layer : LayerReport.of(real)) {
      Path file = world.layer(model, layer.file());
      if (before.contains(file)) {
        boolean here = layer.state().equals(RESIDENT);
        boolean well = world.disk().isWell(file);
        world.history().note("  was damaged:", file, layer.state(), well);
        Finding.require(
            !stored.contains(file) || !here || (well && !after.contains(file)),
            file + " is damaged, and in the object store, and is not fetched from there");
        boolean damaged =
            here ? !well : !isLost(file) && bucket.isDamaged(model.id(), layer.file());
        Finding.require(!damaged || after.contains(file), file + " is damaged, and not said to be");
      }
    }
  }

  private boolean isLost(Path file) {
    return world.damaged().contains(file.toString());
  }

  /// What was fetched again does not fail any more.
  private void forgetWell(ModelTimeline model) throws IOException {
    Timeline real = world.real(model);
    Set<Path> noted = noted(real);
    for (LayerReport layer : LayerReport.of(real)) {
      Path file = world.layer(model, layer.file());
      if (layer.state().equals(RESIDENT) && !noted.contains(file) && world.disk().isWell(file)) {
        world.damaged().remove(file.toString());
      }
    }
  }
}
