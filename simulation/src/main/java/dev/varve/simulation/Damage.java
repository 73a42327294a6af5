package dev.varve.simulation;

import dev.varve.testkit.disk.DiskFault;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.DamagedFile;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// What happens to files that were well: bits flip, the end is cut off, they are lost; and how they
/// become well again. Reads that need such a file fail and name it, and nothing else does.
final class Damage {

  /// Every file is at least this long: header and footer of a layer.
  private static final int SMALL = 190;

  /// A damaged file is looked at again within an hour.
  private static final Duration LOOKED_AGAIN = Duration.ofMinutes(62);

  private final World world;
  private final Cleaning cleaning;

  Damage(World world, Cleaning cleaning) {
    this.world = world;
    this.cleaning = cleaning;
  }

  /// Something happens to a layer file; sometimes it is noted at once, and the others are merged.
  void damage() throws IOException {
    Cloud cloud = world.cloud();
    if (cloud != null && world.random().nextInt(3) == 0) {
      world.history().note("  damage object", cloud.bucket().damage(world.random()));
    } else {
      damageAny();
    }
    if (world.random().nextInt(3) == 0) {
      retry();
      cleaning.clean();
    }
  }

  /// Something happens to a manifest or an index part in the object store. It is not lost: then an
  /// older one would be in its place, which a node puts that has lost the tenant.
  void damageNaming() {
    Cloud cloud = world.cloud();
    if (cloud != null) {
      world.history().note("  damage object", cloud.bucket().damageNaming(world.random(), false));
    }
  }

  /// Something happens to a layer file.
  private void damageAny() throws IOException {
    List<Path> layers = new ArrayList<>(world.disk().syncedFiles());
    layers.removeIf(file -> !isLayer(file));
    damageOne(layers);
  }

  /// Something happens to a layer file of a timeline.
  void damageOf(ModelTimeline model) throws IOException {
    List<Path> layers = new ArrayList<>(world.disk().syncedFiles());
    layers.removeIf(
        file -> !isLayer(file) || !file.startsWith(world.layer(model, ".").normalize()));
    damageOne(layers);
  }

  private void damageOne(List<Path> layers) throws IOException {
    if (!layers.isEmpty()) {
      Path file = layers.get(world.random().nextInt(layers.size()));
      switch (world.random().nextInt(4)) {
        case 0 -> lose(world.disk(), file);
        case 1 -> cut(world.disk(), file);
        default -> flip(world.disk(), file);
      }
    }
  }

  static boolean isLayer(Path file) {
    String name = file.getFileName().toString();
    return name.contains("__") && !name.endsWith("___temp");
  }

  void lose(SimulatedDisk disk, Path file) throws IOException {
    world.history().note("  lose", file);
    world.noteDamage(file);
    disk.lose(file);
  }

  private void cut(SimulatedDisk disk, Path file) throws IOException {
    int size = world.random().nextInt((int) Files.size(file));
    world.history().note("  cut", file, "to", size);
    world.noteDamage(file);
    disk.cut(file, size);
  }

  void flip(SimulatedDisk disk, Path file) throws IOException {
    int bits = 8 * (int) Files.size(file);
    int bit =
        world.random().nextInt(world.random().nextBoolean() ? bits : Math.min(bits, 8 * SMALL));
    world.history().note("  flip", file, "bit", bit);
    world.noteDamage(file);
    disk.flip(file, bit);
  }

  /// All files are what they were.
  void mend() {
    world.history().note("mend");
    world.disk().heal();
    world.disk().mend();
    Cloud cloud = world.cloud();
    Line line = world.line();
    if (cloud == null || line == null) {
      world.damaged().clear();
      retry();
      requireNoted(Set.of());
      return;
    }
    cloud.bucket().mend();
    line.setCalm(true);
    retry(); // A layer whose file was missing when it was loaded is not looked for before a
    // restart.
    line.setCalm(false);
  }

  /// What the timelines say is damaged is put back, as other files with what was in those. That is
  /// noticed when somebody asks, or after a while.
  void putBack() throws IOException {
    var files = new ArrayList<Path>();
    for (ModelTimeline model : world.present()) {
      for (DamagedFile damaged : world.real(model).damagedFiles()) {
        if (world.damaged().contains(damaged.file().toString())) {
          files.add(damaged.file());
        }
      }
    }
    world.history().note("put back", files);
    world.disk().heal();
    for (Path file : files) {
      world.disk().replace(file);
    }
    if (world.random().nextBoolean()) {
      retry();
    } else {
      world.server().threads().pass(LOOKED_AGAIN);
    }
    if (!world.disk().isDead()) {
      world
          .damaged()
          .removeIf(path -> files.stream().anyMatch(file -> file.toString().equals(path)));
      requireNoted(world.damaged());
    }
  }

  private void retry() {
    for (ModelTimeline model : world.present()) {
      if (world.isThere(model) && !world.disk().isDead()) {
        world.server().tenants().retry(world.real(model));
      }
    }
  }

  /// What is noted as damaged is so.
  private void requireNoted(Set<String> damaged) {
    for (ModelTimeline model : world.present()) {
      if (world.isThere(model) && !world.disk().isDead()) {
        requireNoted(world, world.real(model), damaged);
      }
    }
  }

  static void requireNoted(World world, Timeline timeline, Set<String> damaged) {
    for (DamagedFile file : timeline.damagedFiles()) {
      Finding.require(
          damaged.contains(file.file().toString())
              || DiskFault.isNamedBy(file.finding())
              || (world.cloud() != null && mayBeNoted(world, file)),
          timeline + " says of a file that is well: " + file);
    }
  }

  /// What was fetched from the object store, or is well again there, is noticed when it is looked
  /// at.
  private static boolean mayBeNoted(World world, DamagedFile file) {
    return world.everDamaged().contains(file.file().toString())
        || world.namesEverDamaged(file.finding());
  }
}
