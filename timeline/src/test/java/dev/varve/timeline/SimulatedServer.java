package dev.varve.timeline;

import dev.varve.task.SteppedThreads;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskThreads;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// Tenants on a simulated disk, with tasks that run step by step: one process, until it dies.
final class SimulatedServer {

  private static final Logger LOG = Logger.getLogger("dev.varve");

  static final Instant NOW = Instant.parse("2026-11-22T00:00:00Z");

  static {
    // Failures are what these tests are made of; thousands of stack traces help nobody.
    LOG.setLevel(Level.OFF);
  }

  final SimulatedDisk disk;
  final SteppedThreads threads;
  final TaskManager tasks;
  final Tenants tenants;

  SimulatedServer(SimulatedDisk disk, RandomGenerator random, TimelineSettings settings)
      throws IOException {
    this(disk, random, settings, DataModel.of(_ -> new HashRedo()));
  }

  SimulatedServer(
      SimulatedDisk disk, RandomGenerator random, TimelineSettings settings, DataModel model)
      throws IOException {
    this(disk, random, settings, model, NOW);
  }

  /// @param now what its clock shows at first
  SimulatedServer(
      SimulatedDisk disk,
      RandomGenerator random,
      TimelineSettings settings,
      DataModel model,
      Instant now)
      throws IOException {
    this(disk, random, settings, model, now, _ -> null);
  }

  /// @param remote gives the object store
  SimulatedServer(
      SimulatedDisk disk,
      RandomGenerator random,
      TimelineSettings settings,
      DataModel model,
      Instant now,
      Function<TaskThreads, @Nullable Remote> remote)
      throws IOException {
    this.disk = disk;
    threads = new SteppedThreads(random, now);
    disk.setClock(threads.clock());
    TaskThreads mortal = new Mortal();
    tasks = new TaskManager(mortal, Duration.ofSeconds(10));
    Path data = disk.root().resolve("data");
    tenants = Tenants.open(data, model, tasks, settings, remote.apply(mortal));
  }

  /// Whoever waits in a process that is dead must not wait for ever.
  private final class Mortal implements TaskThreads {

    @Override
    public InstantSource clock() {
      return threads.clock();
    }

    @Override
    public void execute(TaskKind.Threads where, String name, Runnable step) {
      threads.execute(where, name, step);
    }

    @Override
    public Runnable schedule(Duration delay, Runnable step) {
      return threads.schedule(delay, step);
    }

    @Override
    public void pause() {
      threads.pause();
    }

    @Override
    public boolean await(CompletableFuture<?> condition, Duration timeout)
        throws InterruptedException {
      boolean done = threads.await(condition, timeout);
      if (!done && disk.isDead()) {
        throw new InterruptedException("the process is dead");
      }
      return done;
    }

    @Override
    public void close() {
      threads.close();
    }
  }
}
