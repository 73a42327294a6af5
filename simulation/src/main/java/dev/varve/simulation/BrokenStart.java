package dev.varve.simulation;

import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import dev.varve.timeline.UploadState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// One of the small files is damaged, or lost, while a process starts: that timeline is broken, the
/// others are not. It is as before when the file is well again: after another start, on request, or
/// by itself.
///
/// An object store changes nothing of that: what a timeline is here is not taken from there by
/// itself. It goes on naming the timeline. While a tenant's own file is damaged, its timelines are
/// read and written, but nothing of it is put into the store or deleted there, which each of them
/// says.
final class BrokenStart {

  /// A broken timeline is tried again at least so often.
  private static final Duration TRIED_AGAIN = Duration.ofMinutes(6);

  /// What has failed in the object store is tried again at least so often.
  private static final Duration ATTACHED_AGAIN = Duration.ofMinutes(2);

  private static final String RECORD = "/tenant.json";
  private static final String EVICTED = "evicted";

  private final World world;
  private final Restarts restarts;
  private final Checks checks;
  private final Cleaning cleaning;
  private final Lives lives;

  BrokenStart(World world, Restarts restarts, Checks checks, Cleaning cleaning) {
    this.cleaning = cleaning;
    lives = new Lives(world, checks);
    this.world = world;
    this.restarts = restarts;
    this.checks = checks;
  }

  void run() throws IOException {
    SimulatedDisk next = end();
    List<Path> small = new ArrayList<>(next.syncedFiles());
    small.removeIf(file -> !file.toString().endsWith(".json") || isOnItsWay(file));
    if (small.isEmpty()) {
      restarts.startsWell(next, false);
      return;
    }
    Path file = choose(small);
    damage(next, file);
    Finding.require(
        restarts.startsWell(next, false), "a process does not start because of " + file);
    for (ModelTimeline model : world.models().values()) {
      if (world.isThere(model)) {
        requireState(model, file);
      }
    }
    goOn(file);
    Optional<ModelTimeline> owner =
        world.present().stream().filter(model -> isOf(model, file)).findFirst();
    if (world.cloud() != null && isRecord(file) && world.random().nextBoolean()) {
      healRecord(file);
    } else if (owner.isEmpty() || world.random().nextInt(3) == 0) {
      startAgain(file);
    } else {
      heal(owner.get(), file);
    }
  }

  private Path choose(List<Path> small) {
    if (world.cloud() != null && world.random().nextInt(4) == 0) {
      List<Path> records = small.stream().filter(BrokenStart::isRecord).toList();
      if (!records.isEmpty()) {
        return records.getFirst();
      }
    }
    return small.get(world.random().nextInt(small.size()));
  }

  private SimulatedDisk end() {
    SimulatedDisk next = world.disk().crash(world.random());
    world.server().bury();
    return next;
  }

  /// What has nothing but that one file may be the beginning of one that was being made.
  private void damage(SimulatedDisk disk, Path file) throws IOException {
    boolean more =
        Files.exists(file.resolveSibling(EVICTED))
            || disk.syncedFiles().stream()
                .anyMatch(other ->
                    Damage.isLayer(other) && Objects.equals(other.getParent(), file.getParent()));
    if (more && world.random().nextInt(4) == 0) {
      world.history().note("  lose", file);
      disk.lose(file);
    } else if (world.cloud() != null
        && (more || isRecord(file))
        && world.random().nextInt(3) == 0) {
      int size = world.random().nextInt((int) Files.size(file) - 1);
      world.history().note("  cut", file, "to", size);
      disk.cut(file, size);
    } else {
      long bit = world.random().nextInt(8 * 100);
      world.history().note("  flip", file, "bit", bit);
      disk.flip(file, bit);
    }
    world.noteDamage(file);
  }

  private static boolean isOnItsWay(Path file) {
    return file.toString().contains(".___deleted/") || file.toString().contains(".___attaching/");
  }

  private static boolean isRecord(Path file) {
    return file.toString().endsWith(RECORD);
  }

  private static boolean isOf(ModelTimeline model, Path file) {
    return file.toString().contains(model.id().toString());
  }

  private void requireState(ModelTimeline model, Path damaged) {
    TimelineState state = world.real(model).state();
    boolean stopped = state instanceof TimelineState.Stopped && world.stopping().contains(model);
    if (world.cloud() != null && isRecord(damaged)) {
      requireSaid(model, damaged);
    }
    boolean right =
        isOf(model, damaged)
            ? state instanceof TimelineState.Broken(String reason)
                && reason.contains(damaged.toString())
            : stopped || state instanceof TimelineState.Active;
    Finding.require(right, "%s is %s, %s is damaged".formatted(model, state, damaged));
  }

  /// Nothing of the tenant can be put into the object store.
  private void requireSaid(ModelTimeline model, Path damaged) {
    UploadState state = world.real(model).uploadState().orElseThrow();
    Finding.require(
        state.failure().filter(failure -> failure.contains(damaged.toString())).isPresent(),
        "%s is damaged, and of %s is said: %s".formatted(damaged, model, state));
  }

  /// All goes on, and what can be is uploaded.
  private void goOn(Path damaged) {
    Cloud cloud = world.cloud();
    long before = cloud == null ? 0 : cloud.bucket().changes();
    goOn();
    if (cloud != null) {
      for (ModelTimeline model : world.models().values()) {
        if (world.isThere(model) && !isOf(model, damaged)) {
          world.server().tenants().upload(world.real(model), ATTACHED_AGAIN);
        }
      }
      if (isRecord(damaged) && world.random().nextBoolean()) {
        lives.delete();
      }
      cloud.requireNamed(world.present());
      Finding.require(
          !isRecord(damaged) || cloud.bucket().changes() == before,
          "the object store was changed, and " + damaged + " is damaged");
    }
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

  /// The tenant's own file is looked at again by itself.
  private void healRecord(Path file) throws IOException {
    world.history().note("  put back", file);
    world.disk().replace(file);
    world.damaged().remove(file.toString());
    world.server().threads().pass(ATTACHED_AGAIN);
    world.settings().learn(world, world.server());
    for (ModelTimeline model : world.models().values()) {
      if (world.isThere(model)) {
        UploadState state = world.real(model).uploadState().orElseThrow();
        Finding.require(
            state.failure().filter(failure -> failure.contains(file.toString())).isEmpty(),
            "%s is well again, and of %s is said: %s".formatted(file, model, state));
      }
    }
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
