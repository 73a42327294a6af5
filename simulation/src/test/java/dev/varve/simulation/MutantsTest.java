package dev.varve.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The simulation finds planted bugs: each by the seed that found it last ({@link PlantedBugs}).
/// Where that one does not any more, it is looked for among a thousand; the test fails even so, to
/// have the table renewed, because to look takes long.
class MutantsTest {

  private static final int MOST_SEEDS = 1_000;

  private static Silence silence = new Silence();
  private static PlantedBugs before;
  private static final List<String> TABLE = new ArrayList<>();
  private static final Map<String, Long> FOUND = new LinkedHashMap<>();

  static List<Mutant> mutants() {
    return Mutants.all();
  }

  @BeforeAll
  static void begin() throws IOException {
    silence = new Silence();
    before = PlantedBugs.read();
  }

  @AfterAll
  static void print() throws IOException {
    silence.close();
    System.out.println("| seed | seconds | planted bug | found |\n|--:|--:|---|---|");
    TABLE.forEach(System.out::println);
    System.out.println("the seeds that found them are in " + PlantedBugs.write(FOUND));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mutants")
  void findsThePlantedBug(Mutant mutant) throws Exception {
    LongFunction<@Nullable String> run = mutant.load();
    long start = System.nanoTime();
    long last = before.seed(mutant.bug()).orElse(-1);
    long seed = last;
    String found = last < 0 ? null : run.apply(last);
    for (long next = 0; next < MOST_SEEDS && found == null; next++) {
      seed = next;
      found = run.apply(next);
    }
    TABLE.add(
        "| %d | %.1f | %s | %s |"
            .formatted(seed, (System.nanoTime() - start) / 1e9, mutant.bug(), brief(found)));
    assertThat(found).as("within %d seeds", MOST_SEEDS).isNotNull();
    FOUND.put(mutant.bug(), seed);
    assertThat(last)
        .as("the seed in planted-bugs.txt, which does not find it; write in the other one")
        .isEqualTo(seed);
  }

  @Test
  void everySeedIsOfABugThatIsPlanted() {
    assertThat(before.bugs())
        .containsExactlyInAnyOrderElementsOf(mutants().stream().map(Mutant::bug).toList());
  }

  private static String brief(@Nullable Object found) {
    String text = String.valueOf(found).replace('\n', ' ');
    return text.substring(text.indexOf(':') + 1, Math.min(text.length(), 180)).strip();
  }
}
