package dev.varve.timeline;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random work on a few timelines, with failing operations, crashes at any of them and restarts;
/// all reads are compared with a model. The seed is the test's argument; `-Dseed=7` runs one.
class TimelineSimulationTest {

  static LongStream seeds() {
    Long seed = Long.getLong("seed");
    return seed != null ? LongStream.of(seed) : LongStream.range(0, 25);
  }

  static LongStream manySeeds() {
    return LongStream.range(1_000, 6_000);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void anyReadGivesWhatTheModelHas(long seed) throws Exception {
    new SimulationRun(seed).run(400);
  }

  @ParameterizedTest
  @Tag("nightly")
  @MethodSource("manySeeds")
  void anyReadGivesWhatTheModelHasForHours(long seed) throws Exception {
    new SimulationRun(seed).run(1500);
  }
}
