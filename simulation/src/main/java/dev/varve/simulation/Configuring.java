package dev.varve.simulation;

import dev.varve.model.PageserverException;
import dev.varve.testkit.disk.DiskFault;
import dev.varve.timeline.RetentionSettings;
import dev.varve.timeline.TenantConfiguration;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/// Sets the tenant's PITR interval: another one, or that of the server's settings again. The disk
/// may fail meanwhile, or the process die.
final class Configuring {

  /// About how often that changes the disk.
  private static final int MOST_CHANGES = 12;

  private final World world;

  Configuring(World world) {
    this.world = world;
  }

  void configure() {
    configure(true);
  }

  /// @param faulty whether something may go wrong with the disk
  void configure(boolean faulty) {
    if (world.random().nextInt(8) == 0) {
      refused();
      return;
    }
    if (faulty) {
      fault();
    }
    set(interval(world.random()));
  }

  private void set(String wanted) {
    world.history().note("set", wanted);
    Settings settings = world.settings();
    Set<String> before = settings.inForce();
    settings.begin(wanted);
    try {
      world.server().tenants().configure(World.TENANT, texts(wanted));
      settings.done(world, wanted);
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      if (!world.disk().isDead()) {
        settings.failed(world, before);
        if (world.random().nextBoolean()) {
          before.forEach(this::set); // it was not to be
        }
      }
    }
  }

  private void fault() {
    int at = world.random().nextInt(MOST_CHANGES);
    switch (world.random().nextInt(8)) {
      case 0 -> world.disk().failAt(at, DiskFault.FULL);
      case 1 -> world.disk().failAt(at, DiskFault.BROKEN);
      case 2 -> world.disk().dieAt(at);
      default -> {}
    }
  }

  /// The server's, none at all, some that matter here, or one that is longer than any run.
  static String interval(SplittableRandom random) {
    return switch (random.nextInt(6)) {
      case 0 -> Settings.NOTHING;
      case 1 -> "0";
      case 2 -> "7d";
      default -> RetentionSettings.text(Duration.ofSeconds(1 + random.nextInt(4_000)));
    };
  }

  static Map<String, String> texts(String interval) {
    return interval.equals(Settings.NOTHING)
        ? Map.of()
        : Map.of(TenantConfiguration.PITR_INTERVAL, interval);
  }

  /// What makes no sense is refused, and changes nothing.
  private void refused() {
    boolean known = world.random().nextBoolean();
    try {
      world
          .server()
          .tenants()
          .configure(
              World.TENANT,
              Map.of(known ? TenantConfiguration.PITR_INTERVAL : "interval", "a while"));
    } catch (PageserverException.InvalidRequest e) {
      return;
    } catch (PageserverException.Unavailable e) {
      world.requireExpected(e);
      return;
    }
    throw new Finding("a setting that makes no sense is taken");
  }
}
