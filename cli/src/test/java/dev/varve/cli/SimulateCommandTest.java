package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SimulateCommandTest {

  @Test
  void runsSeeds() {
    CommandRun run = CommandRun.of("simulate", "--seeds", "3", "--first", "7").worked();
    assertThat(run.out()).startsWith("3 seeds from 7 on: every read gave what it should");
    assertThat(CommandRun.of("simulate", "--seeds", "1", "--steps", "2").worked().err()).isEmpty();
  }
}
