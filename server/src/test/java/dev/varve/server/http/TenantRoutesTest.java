package dev.varve.server.http;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TenantRoutesTest {

  @ParameterizedTest
  @ValueSource(strings = {"a", "A.b_c-1", "7", "production.2026-11-22"})
  void aNameIsLettersDigitsAndSome(String name) {
    TenantRoutes.requireName(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "-a", "_a", "a b", "a/b", "ä", "a\n", "a\0"})
  void anythingElseIsNoName(String name) {
    assertThatThrownBy(() -> TenantRoutes.requireName(name))
        .hasMessageContaining("can't be a name: use up to 63 letters, digits");
    assertThatThrownBy(() -> TenantRoutes.requireName("a".repeat(64)))
        .hasMessageContaining("can't be a name");
  }
}
