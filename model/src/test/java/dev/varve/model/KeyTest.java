package dev.varve.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class KeyTest {

  @Test
  void printsItsEighteenBytes() {
    assertThat(new Key(0, 1663, 5, 16384, 2, 7))
        .hasToString("000000067F00000005000040000200000007");
  }

  @RepeatedTest(50)
  void sortsAsItsTextDoesAndSurvivesPartsAndText(RepetitionInfo seed) {
    var random = new SplittableRandom(seed.getCurrentRepetition());
    Key a = any(random);
    Key b = random.nextBoolean() ? any(random) : a.next();
    assertThat(Integer.signum(a.compareTo(b)))
        .isEqualTo(Integer.signum(a.toString().compareTo(b.toString())));
    assertThat(Key.of(a.upper(), a.middle(), a.lower())).isEqualTo(a);
    assertThat(Key.parse(a.toString())).isEqualTo(a);
  }

  @Test
  void nextCarriesThroughEveryField() {
    assertThat(new Key(1, 2, 3, 4, 0, -1).next()).isEqualTo(new Key(1, 2, 3, 4, 1, 0));
    assertThat(new Key(1, 2, 3, 4, 0xFF, -1).next()).isEqualTo(new Key(1, 2, 3, 5, 0, 0));
    assertThat(new Key(1, 2, 3, -1, 0xFF, -1).next()).isEqualTo(new Key(1, 2, 4, 0, 0, 0));
    assertThat(new Key(1, 2, -1, -1, 0xFF, -1).next()).isEqualTo(new Key(1, 3, 0, 0, 0, 0));
    assertThat(new Key(1, -1, -1, -1, 0xFF, -1).next()).isEqualTo(new Key(2, 0, 0, 0, 0, 0));
    assertThatThrownBy(Key.MAX::next).isInstanceOf(IllegalStateException.class);
  }

  private static Key any(SplittableRandom random) {
    return new Key(
        random.nextInt(256),
        random.nextInt(),
        random.nextInt(),
        random.nextInt(),
        random.nextInt(256),
        random.nextInt());
  }
}
