package dev.varve.simulation;

import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/// Runs a seed; what a {@link Mutant} is asked through, whose classes nobody else knows.
public final class Probe implements LongFunction<@Nullable String> {

  @Override
  public @Nullable String apply(long seed) {
    Outcome outcome = Simulation.run(seed, Simulation.steps(seed, Simulation.MOST_STEPS));
    Throwable failure = outcome.failure();
    return failure == null ? null : failure.toString();
  }
}
