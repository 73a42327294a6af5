package dev.varve.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDate;
import java.time.ZoneOffset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Thousands of seeds, other ones every day; `-Dseed=7` begins with that one. What fails prints its
/// history, and is run again by `./varve simulate --first SEED --seeds 1`.
class SimulationTest {

  private static Silence silence = new Silence();

  @BeforeAll
  static void beQuiet() {
    silence = new Silence();
  }

  @AfterAll
  static void speak() {
    silence.close();
  }

  private static long first() {
    return Long.getLong("seed", LocalDate.now(ZoneOffset.UTC).toEpochDay() * 1_000_000);
  }

  private static void run(long first, int seeds) {
    System.out.println("simulating " + seeds + " seeds from " + first + " on");
    for (long seed = first; seed < first + seeds; seed++) {
      Outcome outcome = Simulation.run(seed, Simulation.steps(seed, Simulation.MOST_STEPS));
      if (!outcome.isGood()) {
        throw new AssertionError(Simulation.explain(outcome).describe(), outcome.failure());
      }
    }
  }

  @Test
  void everyReadGivesWhatTheModelHas() {
    run(first(), 2_000);
  }

  @Test
  @Tag("nightly")
  void everyReadGivesWhatTheModelHasForHours() {
    run(first() + 100_000, 50_000);
  }

  @Test
  void aSeedDecidesEverything() {
    for (long seed = 0; seed < 20; seed++) {
      Outcome once = Simulation.run(seed, 50);
      assertThat(Simulation.run(seed, 50).hash()).as("seed %d", seed).isEqualTo(once.hash());
      assertThat(Simulation.run(seed + 1, 50).hash()).isNotEqualTo(once.hash());
    }
  }
}
