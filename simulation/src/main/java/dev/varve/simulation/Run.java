package dev.varve.simulation;

import dev.varve.model.PageserverException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// One run of a seed.
final class Run {

  private final long seed;
  private final int steps;
  private final History history;

  Run(long seed, int steps, boolean written) {
    this.seed = seed;
    this.steps = steps;
    history = new History(written);
  }

  Outcome run() {
    Throwable failure = attempt();
    Thread.interrupted();
    return new Outcome(seed, steps, history.hash(), failure, history.lines());
  }

  /// Whatever it throws is what was looked for.
  private @Nullable Throwable attempt() {
    World world = null;
    try {
      world = new World(seed, history);
      new Steps(world).run(steps);
      return null;
    } catch (Exception | AssertionError | StackOverflowError e) {
      return e;
    } finally {
      if (world != null) {
        history.note("end", world.disk().operations(), world.disk().fingerprint());
        end(world);
      }
    }
  }

  private static void end(World world) {
    world.disk().interleave(() -> {}, () -> {});
    world.disk().crash(world.random());
    Ghost ghost = world.ghost();
    try {
      world.server().bury();
      if (ghost != null) {
        ghost.end();
      }
    } catch (RuntimeException e) {
      // It has failed already, or there is nothing left to compare.
      System.getLogger(Run.class.getName()).log(System.Logger.Level.DEBUG, "burying", e);
    }
  }

  /// Of so many steps in the middle of a read one is that all goes that may go.
  private static final int MANY_STEPS = 16;

  /// The steps of a world.
  private static final class Steps {

    private final World world;
    private final Checks checks;
    private final Cleaning cleaning;
    private final Restarts restarts;
    private final Lives lives;
    private final Damage damage;
    private final Operations operations;
    private final Storing storing;
    private boolean nested;

    Steps(World world) {
      this.world = world;
      checks = new Checks(world);
      var writing = new Writing(world, checks);
      cleaning = new Cleaning(world);
      restarts = new Restarts(world, writing, checks, cleaning);
      lives = new Lives(world, checks);
      damage = new Damage(world, cleaning);
      storing = new Storing(world);
      operations =
          new Operations(world, checks, restarts, writing, lives, damage, cleaning, storing);
    }

    void run(int steps) throws Exception {
      world.history().begin(0);
      lives.createRoot();
      for (int i = 1; i <= steps; i++) {
        world.history().begin(i);
        step();
      }
      world.history().begin(steps + 1);
      finish();
    }

    private void step() throws Exception {
      world.server().begin();
      interleave();
      try {
        operations.step();
      } catch (PageserverException.Unavailable e) {
        world.requireExpected(e);
      }
      recover();
      checks.tasks();
      world.settings().require(world);
      for (int i = 0; i < world.swarm().checks(); i++) {
        checks.some();
      }
      recover();
      storing.after();
      recover();
    }

    private void recover() throws IOException {
      while (world.disk().isDead()) {
        try {
          restarts.crash();
        } catch (PageserverException.Unavailable e) {
          world.requireExpected(e);
        }
      }
      if (world.models().isEmpty()) {
        lives.startAll();
      }
      if (world.models().isEmpty()) {
        lives.createRoot();
      }
    }

    /// Readers come in the middle of changes to the disk, and tasks go on in the middle of reads.
    private void interleave() {
      if (world.swarm().interleaved()) {
        world.disk().interleave(() -> sometimes(checks::some), this::goOn);
      }
    }

    private void goOn() {
      if (checks.isReading()) {
        sometimes(() -> {
          if (world.random().nextInt(MANY_STEPS) == 0) {
            cleaning.clean();
          } else {
            world.server().threads().step();
          }
        });
      }
    }

    private void sometimes(Runnable action) {
      if (!nested && !world.models().isEmpty() && world.random().nextInt(4) == 0) {
        nested = true;
        try {
          action.run();
        } finally {
          nested = false;
        }
      }
    }

    private void finish() throws IOException {
      recover();
      lives.startAll();
      damage.mend();
      recover();
      if (world.cloud() == null) {
        world.models().values().forEach(checks::all);
      }
      try {
        restarts.restart();
      } catch (PageserverException.Unavailable e) {
        world.requireExpected(e);
      }
      recover();
      world.damaged().clear(); // all is mended, and was looked for again
      world.models().values().forEach(checks::all);
      Cloud cloud = world.cloud();
      if (cloud != null) {
        storing.finish();
        new Moves(world, cloud, restarts, lives).takeAll();
        world.models().values().forEach(checks::all);
        cloud.requireWhole(false);
      }
    }
  }
}
