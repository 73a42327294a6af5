package dev.varve.simulation;

import java.util.SplittableRandom;

/// Runs seeds. A seed decides everything: sizes and settings, what can happen and how often, the
/// faults, the schedule. So a run that found something finds it again.
public final class Simulation {

  /// A run has up to so many steps, unless said otherwise.
  public static final int MOST_STEPS = 100;

  private Simulation() {}

  /// How long a seed's run is: many short ones find more than a few long ones.
  ///
  /// @param most steps of any
  public static int steps(long seed, int most) {
    return 1 + new SplittableRandom(seed).split().nextInt(most);
  }

  public static Outcome run(long seed, int steps) {
    return new Run(seed, steps, false).run();
  }

  /// Runs a seed that failed again, with fewer steps while it goes on to fail, and writes down the
  /// history.
  public static Outcome explain(Outcome failed) {
    int good = -1;
    int bad = failed.steps();
    while (bad - good > 1) {
      int middle = (good + bad) >>> 1;
      if (run(failed.seed(), middle).isGood()) {
        good = middle;
      } else {
        bad = middle;
      }
    }
    return new Run(failed.seed(), bad, true).run();
  }
}
