package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectNameTest {

  @ParameterizedTest
  @ValueSource(strings = {"a", "A/b-c_d.e/0", "x..y", "a/b."})
  void namesAreAllowed(String value) {
    assertThat(new ObjectName(value)).hasToString(value);
    assertThat(ObjectName.isValid(value)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/.b", ".tmp", "a b", "a\\b", "a+v1",
        "a\0b", "ä", "a?b", "a%2fb", "a\nb"
      })
  void whatLeadsAstrayIsNot(String value) {
    assertThatThrownBy(() -> new ObjectName(value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is no name for an object: ");
    assertThat(ObjectName.isValid(value)).isFalse();
  }

  @Test
  void lengthsAreBounded() {
    String segment = "s".repeat(ObjectName.MOST_OF_SEGMENT);
    assertThat(ObjectName.isValid(segment + "/" + segment)).isTrue();
    assertThat(ObjectName.isValid(segment + "s")).isFalse();
    assertThat(ObjectName.isValid("s/".repeat(ObjectName.MOST_CHARACTERS / 2) + "s")).isFalse();
  }
}
