package dev.varve.simulation;

import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// One of the small files is damaged, or lost, while a process starts: that timeline is broken, the
/// others are not. It is as before when the file is well again: after another start, on request, or
/// by itself.
final class BrokenStart {

  /// A broken timeline is tried again at least so often.
  private static final Duration TRIED_AGAIN = Duration.ofMinutes(6);

  private final World world;
  private final Restarts restarts;
  private final Checks checks;
  private final Cleaning cleaning;

  BrokenStart(World world, Restarts restarts, Checks checks, Cleaning cleaning) {
    this.cleaning = cleaning;
    this.world = world;
    this.restarts = restarts;
    this.checks = checks;
  }

  void run() throws IOException {
    SimulatedDisk next = end();
    List<Path> small = new ArrayList<>(next.syncedFiles());
    small.removeIf(file -> !file.toString().endsWith(".json") || isOnItsWayOut(file));
    if (small.isEmpty()) {
      restarts.startsWell(next, false);
      return;
    }
    Path file = small.get(world.random().nextInt(small.size()));
    damage(next, file);
    Finding.require(
        restarts.startsWell(next, false), "a process does not start because of " + file);
    for (ModelTimeline model : world.models().values()) {
      if (world.isThere(model)) {
        requireState(model, file);
      }
    }
    goOn();
    Optional<ModelTimeline> owner =
        world.present().stream().filter(model -> isOf(model, file)).findFirst();
    if (owner.isEmpty() || world.random().nextInt(3) == 0) {
      startAgain(file);
    } else {
      heal(owner.get(), file);
    }
  }

  private SimulatedDisk end() {
    SimulatedDisk next = world.disk().crash(world.random());
    world.server().bury();
    return next;
  }

  /// What has nothing but that one file may be the beginning of one that was being made.
  private void damage(SimulatedDisk disk, Path file) throws IOException {
    boolean more =
        disk.syncedFiles().stream()
            .anyMatch(other ->
                Damage.isLayer(other) && Objects.equals(other.getParent(), file.getParent()));
    if (more && world.random().nextInt(4) == 0) {
      world.history().note("  lose", file);
      disk.lose(file);
    } else {
      long bit = world.random().nextInt(8 * 100);
      world.history().note("  flip", file, "bit", bit);
      disk.flip(file, bit);
    }
    world.noteDamage(file);
  }

  private static boolean isOnItsWayOut(Path file) {
    return file.toString().contains(".___deleted/");
  }

  private static boolean isOf(ModelTimeline model, Path file) {
    return file.toString().contains(model.id().toString());
  }

  private void requireState(ModelTimeline model, Path damaged) {
    TimelineState state = world.real(model).state();
    boolean stopped = state instanceof TimelineState.Stopped && world.stopping().contains(model);
    boolean right =
        isOf(model, damaged)
            ? state instanceof TimelineState.Broken(String reason)
                && reason.contains(damaged.toString())
            : stopped || state instanceof TimelineState.Active;
    Finding.require(right, "%s is %s, %s is damaged".formatted(model, state, damaged));
  }

  /// The others are merged and collected, and all are read that can be.
  private void goOn() {
    cleaning.clean();
    for (ModelTimeline model : world.models().values()) {
      if (world.isThere(model) && world.real(model).state() instanceof TimelineState.Active) {
        checks.asFarAsItIs(model);
      }
    }
  }

  private void startAgain(Path file) throws IOException {
    SimulatedDisk mended = end();
    mended.replace(file);
    world.damaged().remove(file.toString());
    restarts.startsWell(mended, false);
  }

  private void heal(ModelTimeline model, Path file) throws IOException {
    if (world.random().nextBoolean()) {
      TimelineState state = world.server().tenants().retry(world.real(model)).state();
      Finding.require(
          state instanceof TimelineState.Broken,
          model + " is " + state + ", and " + file + " is not well");
    }
    world.disk().replace(file);
    world.damaged().remove(file.toString());
    if (world.random().nextBoolean()) {
      world.history().note("  retry", model);
      world.server().tenants().retry(world.real(model));
    } else {
      world.history().note("  wait for", model);
      world.server().threads().pass(TRIED_AGAIN);
    }
    Timeline timeline = world.real(model);
    Finding.require(
        !(timeline.state() instanceof TimelineState.Broken),
        model + " is " + timeline.state() + ", and its files are well");
    goOn();
  }
}
