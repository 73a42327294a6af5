package dev.varve.cli;

import dev.varve.simulation.Outcome;
import dev.varve.simulation.Silence;
import dev.varve.simulation.Simulation;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Runs the storage stack in simulations.
@Command(
    name = "simulate",
    description = {
      "Run the storage stack in memory, with a simulated disk, clock and schedule.",
      "There are writers, readers, branches, flushes, merges, garbage collection, restarts, "
          + "crashes that lose or tear what was not synced, a full disk, I/O errors, flipped "
          + "bits; and an object store that fails, with a second node that takes the tenant over. "
          + "Every read is compared with a model. A seed decides all that happens in its run.%n"
    },
    footer = {
      "%nExit status: 0 when every read gave what it should, 1 when one did not: its seed, what was",
      "found and all that happened before are printed."
    },
    mixinStandardHelpOptions = true)
final class SimulateCommand implements Callable<Integer> {

  private static final int SAID_EVERY = 500;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "How many seeds. Default: ${DEFAULT-VALUE}.")
  private long seeds = 2_000;

  @Option(
      names = "--first",
      paramLabel = "SEED",
      description = "The first of them. Default: ${DEFAULT-VALUE}.")
  private long first;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description =
          "Each run has exactly so many steps. By default the seed says how many, up to "
              + Simulation.MOST_STEPS
              + ".")
  private @Nullable Integer steps;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (seeds < 1 || (steps != null && steps < 0)) {
      throw new ParameterException(
          spec.commandLine(), "at least one seed, and no fewer than 0 steps");
    }
    PrintWriter out = spec.commandLine().getOut();
    long start = System.nanoTime();
    try (var _ = new Silence()) {
      for (long done = 0; done < seeds; done++) {
        if (done > 0 && done % SAID_EVERY == 0) {
          out.println(done + " of " + seeds + " seeds, " + since(start));
          out.flush();
        }
        Outcome outcome = run(first + done);
        if (!outcome.isGood()) {
          out.print(Simulation.explain(outcome).describe());
          out.printf("again: varve simulate --first %d --seeds 1%s%n", outcome.seed(), again());
          out.flush();
          return 1;
        }
      }
    }
    out.printf(
        "%d seeds from %d on: every read gave what it should; %s%n", seeds, first, since(start));
    out.flush();
    return 0;
  }

  private Outcome run(long seed) {
    Integer wanted = steps;
    return Simulation.run(
        seed, wanted == null ? Simulation.steps(seed, Simulation.MOST_STEPS) : wanted);
  }

  private String again() {
    return steps == null ? "" : " --steps " + steps;
  }

  private static String since(long start) {
    return Sizes.time(Duration.ofNanos(System.nanoTime() - start));
  }
}
