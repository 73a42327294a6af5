package dev.varve.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PgVersionTest {

  @ParameterizedTest
  @EnumSource
  void isFoundByItsNumbers(PgVersion version) {
    assertThat(PgVersion.ofMajor(version.major())).isEqualTo(version);
    assertThat(PgVersion.ofWalMagic(version.walMagic())).isEqualTo(version);
    assertThat(version.name()).isEqualTo("V" + version.major());
  }

  @Test
  void refusesOthers() {
    assertThatThrownBy(() -> PgVersion.ofMajor(13))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("PostgreSQL 13 is not supported; Varve understands versions 14 to 18");
    assertThatThrownBy(() -> PgVersion.ofWalMagic(0xD106))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("D106 is not the magic number");
  }
}
