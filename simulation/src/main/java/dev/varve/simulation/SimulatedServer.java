package dev.varve.simulation;

import dev.varve.task.SteppedThreads;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskReport;
import dev.varve.task.TaskThreads;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.CommitClock;
import dev.varve.timeline.DataModel;
import dev.varve.timeline.Remote;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// Tenants on a simulated disk, with tasks that run step by step: one process, until it dies.
final class SimulatedServer {

  static final Instant NOW = Instant.parse("2026-11-22T00:00:00Z");

  /// Nothing that a step does has to wait so often.
  private static final int MOST_WAITS = 20_000;

  private static final List<String> ENDS_OTHERS = List.of("attach tenant ", "detach tenant ");

  private final SimulatedDisk disk;
  private final SteppedThreads threads;
  private final TaskManager tasks;
  private final Tenants tenants;
  private final List<Runnable> waiting = new ArrayList<>();
  private int waits;

  /// How many steps have begun and not ended: each waits for the next one.
  private int depth;

  /// @param now the time; a process that comes after another begins when that one ended
  /// @param remote gives the object store
  SimulatedServer(
      SimulatedDisk disk,
      RandomGenerator random,
      TimelineSettings settings,
      CommitClock commits,
      Instant now,
      Function<TaskThreads, @Nullable Remote> remote)
      throws IOException {
    this.disk = disk;
    threads = new SteppedThreads(random, now);
    disk.setClock(threads.clock());
    TaskThreads mortal = new Mortal();
    tasks = new TaskManager(mortal, Duration.ofSeconds(10));
    var model = new DataModel(_ -> new HashRedo(), commits, new TableRules());
    tenants =
        Tenants.open(disk.root().resolve("data"), model, tasks, settings, remote.apply(mortal));
  }

  SteppedThreads threads() {
    return threads;
  }

  Tenants tenants() {
    return tenants;
  }

  /// What goes on in the background.
  List<TaskReport> tasks() {
    return tasks.report();
  }

  Instant now() {
    return threads.clock().instant();
  }

  /// A new step begins.
  void begin() {
    waits = 0;
  }

  /// Gives back the memory of a process that is dead.
  void bury() {
    begin();
    try {
      tenants.close();
    } catch (IOException e) {
      Finding.require(disk.isDead(), "closing fails: " + e);
    }
    Thread.interrupted(); // whoever waited in the dead process was interrupted
  }

  /// What ends others must not begin within one of them, as it would wait for what waits for it.
  private void run(String name, Runnable step) {
    if (depth > 0 && ENDS_OTHERS.stream().anyMatch(name::startsWith)) {
      waiting.add(() -> run(name, step));
      return;
    }
    depth++;
    try {
      step.run();
    } finally {
      depth--;
      if (depth == 0) {
        waiting.forEach(next -> threads.execute(TaskKind.Threads.WAITING, name, next));
        waiting.clear();
      }
    }
  }

  /// Whoever waits in a process that is dead must not wait for ever.
  private final class Mortal implements TaskThreads {

    @Override
    public InstantSource clock() {
      return threads.clock();
    }

    @Override
    public void execute(TaskKind.Threads where, String name, Runnable step) {
      threads.execute(where, name, () -> run(name, step));
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
      Finding.require(condition.isDone() || waits++ < MOST_WAITS, "it waits for what never comes");
      boolean done = threads.await(condition, timeout);
      Thread.interrupted(); // of one whose step waits for this one to end
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
