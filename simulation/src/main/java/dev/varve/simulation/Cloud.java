package dev.varve.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.varve.model.TenantId;
import dev.varve.remote.ObjectState;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.task.SteppedThreads;
import dev.varve.task.TaskThreads;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.CacheSettings;
import dev.varve.timeline.DiskSpace;
import dev.varve.timeline.Remote;
import dev.varve.timeline.RemoteName;
import dev.varve.timeline.Scrub;
import dev.varve.timeline.TenantConfiguration;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What all nodes share: an object store, and the authority over generations.
final class Cloud {

  /// When everything has been uploaded, a manifest names no timeline that has no index part.
  private static final String NO_INDEX = "has no index part";

  /// How a manifest says it.
  private static final Pattern INTERVAL =
      Pattern.compile("\"" + TenantConfiguration.PITR_INTERVAL + "\"\\s*:\\s*\"([^\"]*)\"");

  static final int HIGH_WATER = 90;
  private static final int LOW_WATER = 80;
  private static final int DOWNLOADS = 2;

  private final Swarm.Stored swarm;
  private final SplittableRandom random;
  private final SimulatedBucket bucket;
  private final SimulatedAuthority authority = new SimulatedAuthority();
  private int nodes;

  /// @param clock by which objects are put
  Cloud(Swarm.Stored swarm, SplittableRandom random, InstantSource clock) {
    this.swarm = swarm;
    this.random = random;
    bucket = new SimulatedBucket(clock);
  }

  SimulatedBucket bucket() {
    return bucket;
  }

  SimulatedAuthority authority() {
    return authority;
  }

  /// Whether lists may be old.
  boolean isStale() {
    return swarm.staleLists();
  }

  Line newLine() {
    return new Line("node-" + nodes++, swarm.failing(), swarm.stubborn());
  }

  /// As a process reaches it that begins now.
  Remote remote(Line line, SimulatedDisk disk, TaskThreads threads) {
    var access = new Access(this, line, disk, threads, random);
    var storage = new RemoteStorage(access.store(), threads, random.split(), RemoteLimits.DEFAULT);
    DiskSpace space = _ -> new DiskSpace.Space(line.room(), Math.max(0, line.room() - disk.used()));
    return new Remote(
        storage,
        access.authority(),
        swarm.waitingBytes(),
        swarm.waitingTime(),
        new CacheSettings(swarm.evictAfter(), HIGH_WATER, LOW_WATER, DOWNLOADS, space),
        false);
  }

  /// The store as it is, for those who only look.
  RemoteStorage plain() {
    var threads = new SteppedThreads(new SplittableRandom(0), SimulatedServer.NOW);
    return new RemoteStorage(bucket, threads, new SplittableRandom(0), RemoteLimits.DEFAULT);
  }

  /// What the newest manifest says that is set for the tenant; empty: there is none.
  Optional<String> interval() {
    return bucket
        .last(RemoteName.manifests(World.TENANT))
        .map(manifest -> {
          Matcher found = INTERVAL.matcher(new String(manifest, UTF_8));
          return found.find() ? found.group(1) : Settings.NOTHING;
        });
  }

  /// The newest manifest names whatever is said to be in the store.
  void requireNamed(List<ModelTimeline> models) {
    String manifest =
        bucket
            .last(RemoteName.manifests(World.TENANT))
            .map(bytes -> new String(bytes, UTF_8))
            .orElse("");
    for (ModelTimeline model : models) {
      Finding.require(
          model.remote() == 0 || manifest.contains(model.id().toString()),
          "%s is in the object store up to %d, and the manifest does not name it"
              .formatted(model, model.remote()));
    }
  }

  /// What is named is there, and whole.
  ///
  /// @param done whether all that there is should be named
  void requireWhole(boolean done) {
    List<String> problems = new ArrayList<>(bucket.violations());
    var listener =
        new Scrub.Listener() {
          @Override
          public void problem(String sentence) {
            if ((done || !sentence.contains(NO_INDEX))
                && !bucket.namesDamaged(sentence)
                && !bucket.isOfLost(sentence)) {
              problems.add(sentence);
            }
          }

          @Override
          public void orphan(ObjectState object, boolean deleted) {}

          @Override
          public void checked(TenantId tenant, Scrub.Totals soFar) {}
        };
    InstantSource clock = InstantSource.fixed(Instant.MAX);
    try {
      Scrub.run(plain(), clock, new Scrub.Options(true, Duration.ofDays(36_500), false), listener);
    } catch (IOException e) {
      problems.add(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    Finding.require(problems.isEmpty(), "the object store has problems: " + problems);
  }
}
