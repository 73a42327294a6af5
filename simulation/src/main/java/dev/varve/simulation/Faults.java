package dev.varve.simulation;

import dev.varve.testkit.disk.DiskFault;

/// What goes wrong with the disk.
final class Faults {

  private final World world;

  Faults(World world) {
    this.world = world;
  }

  void die() {
    int at = world.random().nextInt(40);
    if (world.random().nextBoolean()) {
      world.history().note("die in", at, "operations");
      world.disk().dieAt(at);
    } else {
      world.history().note("die in", at / 4, "syncs");
      world.disk().dieAtSync(at / 4);
    }
  }

  void full() {
    fail(DiskFault.FULL);
  }

  void broken() {
    fail(DiskFault.BROKEN);
  }

  private void fail(DiskFault how) {
    int at = world.random().nextInt(20);
    world.history().note("fail in", at, "operations", how.name());
    world.disk().failAt(at, how);
  }

  void unreadable() {
    int at = world.random().nextInt(10);
    int count = 1 + world.random().nextInt(10);
    world.history().note("fail in", at, "reads", count);
    world.disk().failReads(at, count);
  }

  void heal() {
    world.history().note("heal");
    world.disk().heal();
  }
}
