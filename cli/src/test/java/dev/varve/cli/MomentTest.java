package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MomentTest {

  @ParameterizedTest
  @CsvSource({"0/16B3748", "0/0", "FFFFFFFF/FFFFFFFF", "a/b"})
  void anLsnHasASlash(String text) {
    assertThat(Moment.parse(text)).isEqualTo(new Moment.AtLsn(Lsn.parse(text)));
    assertThat(Moment.parse(text).query())
        .isEqualTo("lsn=" + Lsn.parse(text).toString().replace("/", "%2F"));
  }

  @ParameterizedTest
  @CsvSource({
    "2026-11-22T14:03:00Z, 2026-11-22T14:03:00Z",
    "2026-11-22 14:03:00Z, 2026-11-22T14:03:00Z",
    "2026-11-22 14:03:00+00, 2026-11-22T14:03:00Z",
    "2026-11-22 14:03:00+01, 2026-11-22T13:03:00Z",
    "2026-11-22 14:03:00 +01:00, 2026-11-22T13:03:00Z",
    "2026-11-22 14:03:00+0530, 2026-11-22T08:33:00Z",
    "2026-11-22 14:03:00-03:30, 2026-11-22T17:33:00Z",
    "2026-11-22 14:03:00.123456+00, 2026-11-22T14:03:00.123456Z",
    "2026-11-22T14:03:00.1Z, 2026-11-22T14:03:00.100Z",
    "2026-11-22T14:03:00.123456789Z, 2026-11-22T14:03:00.123456789Z",
    "2026-11-22T14:03Z, 2026-11-22T14:03:00Z",
    "'  2026-11-22 14:03:00+00 ', 2026-11-22T14:03:00Z",
    "2024-02-29 23:59:59Z, 2024-02-29T23:59:59Z",
  })
  void aTimeWithAZoneIsThatMoment(String text, Instant moment) {
    assertThat(Moment.parse(text)).isEqualTo(new Moment.AtTime(moment));
    assertThat(Moment.parse(text).query())
        .isEqualTo("timestamp=" + moment.toString().replace(":", "%3A"));
  }

  @ParameterizedTest
  @CsvSource({
    "2026-11-22 14:03:00, 2026-11-22T14:03:00",
    "2026-11-22T14:03:00.5, 2026-11-22T14:03:00.5",
    "2026-11-22 14:03, 2026-11-22T14:03:00",
  })
  void aTimeWithoutAZoneIsInThisMachines(String text, LocalDateTime time) {
    assertThat(Moment.parse(text))
        .isEqualTo(new Moment.AtTime(time.atZone(ZoneId.systemDefault()).toInstant()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "0/", "/0", "0/0/0", "x/y", "123456789/0", "0/-1", "2026/11/22"})
  void whatIsNoLsnIsSaid(String text) {
    assertThatThrownBy(() -> Moment.parse(text))
        .isInstanceOf(CliException.class)
        .hasMessage("--at: \"" + text + "\" is not an LSN; an LSN looks like 0/16B3748");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "now",
        "yesterday",
        "1732284180",
        "14:03",
        "2026-11-22",
        "2026-13-01 00:00:00Z",
        "2026-11-31 00:00:00Z",
        "2026-11-22 25:00:00Z",
        "2026-11-22 14:03:00 CET",
        "2026-11-22 14:03:00+99",
        "22.11.2026 14:03",
        "2026-11-22 14:03:00Zx",
        "2026-11-22 14:3"
      })
  void whatIsNoTimeIsSaidWithOneThatIs(String text) {
    assertThatThrownBy(() -> Moment.parse(text))
        .isInstanceOf(CliException.class)
        .hasMessageContaining("an LSN such as 0/16B3748 or a time such as")
        .hasMessageContaining("not \"" + text + "\"");
  }
}
