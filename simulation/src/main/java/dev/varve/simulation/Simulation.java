package dev.varve.simulation;

/// Runs seeds. A seed decides everything: sizes and settings, what can happen and how often, the
/// faults, the schedule. So a run that found something finds it again.
public final class Simulation {

  /// Steps of a run, unless said otherwise.
  public static final int STEPS = 120;

  private Simulation() {}

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
