package dev.varve.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LsnTest {

  @RepeatedTest(50)
  void readsWhatItPrints(RepetitionInfo seed) {
    var lsn = new Lsn(new SplittableRandom(seed.getCurrentRepetition()).nextLong());
    assertThat(Lsn.parse(lsn.toString())).isEqualTo(lsn);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/", "0/", "/0", "0", "1/2/3", "-1/0", "0/+1", "0/123456789", "g/0"})
  void refusesWhatPostgresWouldNotPrint(String text) {
    assertThatThrownBy(() -> Lsn.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"" + text + "\"");
  }

  @Test
  void ordersAsAnUnsignedNumber() {
    assertThat(Lsn.MAX.isAfter(new Lsn(Long.MAX_VALUE))).isTrue();
    assertThat(new Lsn(15).alignDown()).isEqualTo(new Lsn(8));
    assertThat(new Lsn(16).alignDown()).isEqualTo(new Lsn(16));
  }
}
