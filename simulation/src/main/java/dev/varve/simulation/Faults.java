package dev.varve.simulation;

import dev.varve.testkit.disk.DiskFault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

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

  /// A bit of a layer file changes where it lies.
  void damage() throws IOException {
    List<Path> layers = new ArrayList<>(world.disk().syncedFiles());
    layers.removeIf(file -> !file.getFileName().toString().contains("__"));
    if (!layers.isEmpty()) {
      Path file = layers.get(world.random().nextInt(layers.size()));
      // there are no files of less than header and footer
      long bit = world.random().nextBoolean() ? world.random().nextInt(8 * 190) : wide(file);
      world.history().note("damage", file, "bit", bit);
      world.damage(file, bit);
    }
  }

  private long wide(Path file) throws IOException {
    return world.random().nextLong(8 * Files.size(file));
  }

  void mend() {
    world.history().note("mend");
    world.mend();
  }
}
