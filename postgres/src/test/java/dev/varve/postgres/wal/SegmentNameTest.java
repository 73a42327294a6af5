package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SegmentNameTest {

  // As pg_walfile_name of servers with such segments prints them.
  @ParameterizedTest
  @CsvSource({
    "16, 0/0,               1, 000000010000000000000000, 0/0",
    "16, 0/16B3748,         1, 000000010000000000000001, 0/1000000",
    "16, A/FEFFFFFF,        1, 000000010000000A000000FE, A/FE000000",
    "16, A/FF000000,      300, 0000012C0000000A000000FF, A/FF000000",
    "1,  A/FEFFFFFF,        1, 000000010000000A00000FEF, A/FEF00000",
    "64, 12/FC000000,       1, 00000001000000120000003F, 12/FC000000",
    "1024, FFFFFFFF/C0000001, 1, 00000001FFFFFFFF00000003, FFFFFFFF/C0000000",
  })
  void namesTheFileOfAnLsn(int megabytes, String lsn, int tli, String name, String start) {
    var segments = new WalSegments(megabytes << 20);
    SegmentName named = segments.nameOf(tli, Lsn.parse(lsn).value());
    assertThat(named).hasToString(name);
    assertThat(SegmentName.parse(name)).contains(named);
    assertThat(new Lsn(named.start(segments))).hasToString(start);
    assertThat(new Lsn(segments.startOf(Lsn.parse(lsn).value()))).hasToString(start);
    assertThat(segments.start(segments.number(Lsn.parse(lsn).value())))
        .isEqualTo(Lsn.parse(start).value());
    assertThat(segments.offset(Lsn.parse(lsn).value()))
        .isEqualTo(Lsn.parse(lsn).minus(Lsn.parse(start)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "00000001000000000000001",
        "0000000100000000000000010",
        "00000001000000000000000g",
        "0000000100000000000000ab",
        "-00000010000000000000001",
        "000000000000000000000001",
        "000000010000000000000001.partial",
        "00000002.history"
      })
  void isOfWholeSegmentsOnly(String name) {
    assertThat(SegmentName.parse(name)).isEmpty();
  }

  @Test
  void isImpossibleForSomeSizes() {
    SegmentName name = SegmentName.parse("000000010000000000000100").orElseThrow();
    assertThat(name.start(new WalSegments(1 << 20))).isEqualTo(0x100L << 20);
    assertThatThrownBy(() -> name.start(new WalSegments(16 << 20)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("000000010000000000000100 can't be the name");
  }
}
