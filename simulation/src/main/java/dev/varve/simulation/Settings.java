package dev.varve.simulation;

import dev.varve.model.PageserverException;
import dev.varve.timeline.RetentionSettings;
import dev.varve.timeline.TenantConfiguration;
import java.time.Instant;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/// What may be set for the tenant, as its PITR interval in words; {@link #NOTHING}: what the
/// server's settings say.
///
/// What was answered as done is in force from then on, in this process and in those that come after
/// it. What has failed is not in force until the process ends, and may be afterwards. What one of
/// those in force does not want to keep may go; when none is known, nothing may.
final class Settings {

  /// No interval has this name.
  static final String NOTHING = "";

  private final RetentionSettings server;
  private Set<String> inForce = Set.of(NOTHING);
  private Set<String> onDisk = Set.of(NOTHING);

  Settings(RetentionSettings server) {
    this.server = server;
  }

  /// What the next process may find.
  Set<String> onDisk() {
    return onDisk;
  }

  private RetentionSettings retention(String interval) {
    return interval.equals(NOTHING)
        ? server
        : new RetentionSettings(
            server.horizon(), RetentionSettings.interval(interval), server.period());
  }

  /// What garbage collection of a timeline may have come to at most.
  long latestCutoff(ModelTimeline model, Instant now) {
    return inForce.stream()
        .mapToLong(interval -> model.latestCutoff(retention(interval), now))
        .max()
        .orElse(model.latestCutoff(RetentionSettings.KEEP_ALL, now));
  }

  /// Where the cutoff of a timeline that has been sent all is after it was moved, unless it is
  /// later already; 0: not known.
  long cutoff(ModelTimeline model, Instant now) {
    return inForce.stream()
        .mapToLong(interval -> model.cutoff(retention(interval), now))
        .min()
        .orElse(0);
  }

  /// Somebody begins to set another interval.
  void begin(String wanted) {
    inForce = with(inForce, wanted);
    onDisk = with(onDisk, wanted);
  }

  private static Set<String> with(Set<String> some, String one) {
    var all = new TreeSet<>(some);
    all.add(one);
    return all;
  }

  /// It is set.
  void done(World world, String wanted) {
    allowWhatIs(world);
    inForce = Set.of(wanted);
    onDisk = inForce;
  }

  /// It is not, for now.
  void failed(World world, Set<String> before) {
    allowWhatIs(world);
    inForce = before;
  }

  Set<String> inForce() {
    return inForce;
  }

  /// What has gone by the former interval has gone.
  private static void allowWhatIs(World world) {
    for (ModelTimeline model : world.present()) {
      if (world.isThere(model)) {
        model.allow(world.real(model).readableFrom().value());
      }
    }
  }

  /// A process ends, and another begins, on the same disk or on another.
  ///
  /// @param models those that it may have
  /// @param now when the former one ended
  /// @param found what may be in force then
  void next(Collection<ModelTimeline> models, Instant now, Set<String> found) {
    if (inForce.equals(found) && onDisk.equals(found)) {
      return;
    }
    models.forEach(model -> model.allow(latestCutoff(model, now)));
    inForce = found;
    onDisk = found;
  }

  /// Looks what a process that has begun says.
  void learn(World world, SimulatedServer process) {
    next(world.known(), process.now(), onDisk); // before it was asked, something may have gone
    Set<String> found;
    try {
      found = Set.of(text(process.tenants().configuration(World.TENANT)));
    } catch (PageserverException.NotFound e) {
      next(world.known(), process.now(), with(onDisk, NOTHING)); // it may go with its timelines
      return;
    } catch (PageserverException.Unavailable e) {
      world.history().note("  no settings:", e.getMessage());
      Set<String> left = onDisk;
      next(world.known(), process.now(), Set.of());
      onDisk = left;
      return;
    }
    Finding.require(
        onDisk.containsAll(found), "the tenant has %s set, of %s".formatted(found, onDisk));
    next(world.known(), process.now(), found);
  }

  /// What is in force is what the process says.
  void require(World world) {
    boolean there = world.present().stream().anyMatch(world::isThere);
    if (there && inForce.size() == 1 && !world.disk().isDead()) {
      String said = text(world.server().tenants().configuration(World.TENANT));
      Finding.require(
          inForce.contains(said), "%s is set, and %s in force".formatted(inForce, said));
    }
  }

  private static String text(TenantConfiguration configuration) {
    return configuration.texts().getOrDefault(TenantConfiguration.PITR_INTERVAL, NOTHING);
  }
}
