package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Tables, sizes, times and progress, as people see them.
class PrintingTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1, 1 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "1536, 1.5 KiB",
    "1048576, 1.0 MiB",
    "1073741824, 1.0 GiB",
    "1099511627776, 1.0 TiB",
    "9223372036854775807, 8192.0 PiB",
  })
  void aSizeHasTheUnitThatSuits(long bytes, String text) {
    assertThat(Sizes.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S, 0 ms",
    "PT0.0123S, 12 ms",
    "PT1S, 1.0 s",
    "PT59.94S, 59.9 s",
    "PT60S, 1 min 00 s",
    "PT59M59S, 59 min 59 s",
    "PT1H, 1 h 00 min",
    "PT25H7M, 25 h 07 min",
  })
  void aTimeHasTheUnitThatSuits(Duration duration, String text) {
    assertThat(Sizes.time(duration)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "null | 3.0 KiB",
        "{'resident': {'bytes': 3072}} | 3.0 KiB",
        "{'resident': {'bytes': 512}, 'evicted': {'bytes': 2048}, 'failed': {'bytes': 512}}"
            + " | 3.0 KiB, of which 2.5 KiB are in the object store only",
      },
      quoteCharacter = '"')
  void whatIsNotHereIsTold(String states, String text) {
    String json = "{'current_physical_size': 3072, 'layers_by_state': " + states + "}";
    assertThat(ShowCommand.size(ServerClient.JSON.readTree(json.replace('\'', '"'))))
        .isEqualTo(text);
  }

  private static String print(Table table) {
    var text = new StringWriter();
    table.print(new PrintWriter(text));
    return text.toString();
  }

  @Test
  void numbersStandRightAndTextLeft() {
    var table = new Table("NAME", "COUNT", "SIZE", "REST");
    table.row("a", 1, "1.0 KiB", "x");
    table.row("longer", 12_345, "999 B", "");
    assertThat(print(table))
        .isEqualTo(
            """
            NAME    COUNT     SIZE  REST
            a           1  1.0 KiB  x
            longer  12345    999 B
            """);
  }

  @Test
  void aColumnWithOneTextIsText() {
    var table = new Table("N");
    table.row(5);
    table.row("none");
    assertThat(print(table)).isEqualTo("N\n5\nnone\n");
  }

  @Test
  void aTableWithoutRowsIsItsHeading() {
    assertThat(print(new Table("A", "B"))).isEqualTo("A  B\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | 0 | PT0S | work: 0 B, 0 B/s",
        "1048576 | 0 | PT1S | work: 1.0 MiB, 1.0 MiB/s",
        "1048576 | 4194304 | PT1S | work: 1.0 MiB of 4.0 MiB (25 %), 1.0 MiB/s, 3.0 s left",
        "0 | 4194304 | PT1S | work: 0 B of 4.0 MiB (0 %), 0 B/s",
        "4194304 | 4194304 | PT2S | work: 4.0 MiB of 4.0 MiB (100 %), 2.0 MiB/s",
        "8388608 | 4194304 | PT2S | work: 8.0 MiB of 4.0 MiB (100 %), 4.0 MiB/s",
      })
  void progressHasRateAndTimeLeft(long done, long total, Duration elapsed, String line) {
    try (var progress = new Progress("work")) {
      assertThat(progress.line(done, total, elapsed)).isEqualTo(line);
    }
  }

  private static String drawn(boolean visible) {
    var bytes = new ByteArrayOutputStream();
    var terminal = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    try (var progress = new Progress("work", terminal, visible)) {
      progress.update(1, 2);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void progressIsWipedAwayAndShownToPeopleOnly() {
    assertThat(drawn(true)).startsWith("\rwork: 1 B of 2 B (50 %)").endsWith("\r\033[K");
    assertThat(drawn(false)).isEmpty();
  }
}
