package dev.varve.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The simulation finds planted bugs: each within a thousand seeds.
class MutantsTest {

  private static final int MOST_SEEDS = 1_000;

  private static Silence silence = new Silence();
  private static final List<String> TABLE = new ArrayList<>();

  static List<Mutant> mutants() {
    return Mutants.all();
  }

  @BeforeAll
  static void beQuiet() {
    silence = new Silence();
  }

  @AfterAll
  static void print() {
    silence.close();
    System.out.println("| seeds | seconds | planted bug | found |\n|--:|--:|---|---|");
    TABLE.forEach(System.out::println);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mutants")
  void findsThePlantedBug(Mutant mutant) throws Exception {
    var run = mutant.load();
    long start = System.nanoTime();
    String found = null;
    long seed = 0;
    for (; seed < MOST_SEEDS && found == null; seed++) {
      found = run.apply(seed);
    }
    TABLE.add(
        "| %d | %.1f | %s | %s |"
            .formatted(seed, (System.nanoTime() - start) / 1e9, mutant.bug(), brief(found)));
    assertThat(found).as("within %d seeds", MOST_SEEDS).isNotNull();
  }

  private static String brief(@Nullable Object found) {
    String text = String.valueOf(found).replace('\n', ' ');
    return text.substring(text.indexOf(':') + 1, Math.min(text.length(), 180)).strip();
  }
}
