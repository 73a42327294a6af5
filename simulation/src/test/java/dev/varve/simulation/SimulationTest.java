package dev.varve.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class SimulationTest {
  @Test
  void good() {
    long n = Long.getLong("n", 200);
    long t = System.nanoTime();
    LongStream.range(0, n).forEach(seed -> {
      Outcome o = Simulation.run(seed, Simulation.STEPS);
      if (!o.isGood()) {
        System.out.println(Simulation.explain(o).describe());
        throw new AssertionError("seed " + seed);
      }
    });
    System.out.println((System.nanoTime() - t) / 1e6 / n + " ms a seed");
    assertThat(n).isPositive();
  }
}
