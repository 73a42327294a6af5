package dev.varve.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// What can happen in a step, and how often. A seed leaves out some of it, and has more of other.
final class Operations {

  /// One thing that can happen.
  private interface Action {
    void run() throws Exception;
  }

  private record Operation(String name, int weight, Action action) {}

  private final World world;
  private final List<Operation> chosen = new ArrayList<>();
  private int sum;

  Operations(
      World world,
      Checks checks,
      Restarts restarts,
      Writing writing,
      Lives lives,
      Damage damage,
      Cleaning cleaning,
      Storing storing) {
    this.world = world;
    var faults = new Faults(world);
    always("ingest", 14, writing::ingest);
    add("load", 2, writing::load);
    add("abandon", 1, writing::abandon);
    add("drop", 1, writing::drop);
    add("close writer", 1, writing::close);
    add("checkpoint", 2, writing::checkpoint);
    add("create", 1, lives::createRoot);
    add("branch", 3, lives::branch);
    add("delete", 1, lives::delete);
    add("stop", 1, lives::stop);
    add("start", 1, lives::start);
    add("crash", 1, restarts::crash);
    add("restart", 1, restarts::restart);
    add("die", 1, faults::die);
    add("full", 1, faults::full);
    add("broken", 1, faults::broken);
    add("unreadable", 1, faults::unreadable);
    add("heal", 1, faults::heal);
    Cloud cloud = world.cloud();
    Swarm.Stored stored = world.swarm().stored();
    add("damage", 1, damage::damage);
    add("mend", 1, damage::mend);
    if (cloud == null || stored == null) {
      add("put back", 1, damage::putBack);
    } else {
      var fetching = new Fetching(world, checks, damage, cloud, stored);
      add("download", 2, fetching::download);
      add("fetch again", 1, fetching::fetchAgain);
      var moves = new Moves(world, cloud, restarts, lives);
      always("upload", 4, storing::upload);
      add("weather", 2, storing::weather);
      add("evict", 2, storing::evict);
      add("take", 2, moves::take);
      add("detach", 1, moves::detach);
      add("damage naming", 1, damage::damageNaming);
    }
    add("compact", 2, cleaning::compact);
    add("collect", 2, cleaning::collect);
    add("set", 1, new Configuring(world)::configure);
    add("rest", 3, cleaning::rest);
    add("clean", 1, cleaning::clean);
    add("lease", 1, cleaning::lease);
    add("hold", 1, cleaning::hold);
    add("let go", 1, cleaning::letGo);
    add("check", 2, () -> checks.all(world.any()));
    add("pass", 1, this::pass);
    always("settle", 3, () -> world.server().threads().settle());
    always("step", 5, () -> world.server().threads().step());
  }

  private void always(String name, int weight, Action action) {
    chosen.add(new Operation(name, weight, action));
    sum += weight;
  }

  private void add(String name, int weight, Action action) {
    int times = world.random().nextInt(4); // none: this run is without it
    if (times > 0) {
      always(name, weight * times, action);
    }
  }

  private void pass() {
    int minutes = world.random().nextInt(15);
    world.history().note("pass", minutes, "minutes");
    world.server().threads().pass(Duration.ofMinutes(minutes));
  }

  /// Does one of them.
  void step() throws Exception {
    int left = world.random().nextInt(sum);
    for (Operation operation : chosen) {
      left -= operation.weight;
      if (left < 0) {
        world.history().note(operation.name);
        operation.action.run();
        return;
      }
    }
  }
}
