package dev.varve.postgres.slru;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SlruTest {

  @ParameterizedTest
  @CsvSource({
    "CLOG, 0, 0, 0",
    "CLOG, 32767, 0, 32767",
    "CLOG, 32768, 1, 0",
    "CLOG, 0xFFFFFFFF, 131071, 32767",
    "MULTIXACT_MEMBERS, 1635, 0, 1635",
    "MULTIXACT_MEMBERS, 1636, 1, 0",
    "MULTIXACT_MEMBERS, 0xFFFFFFFF, 2625285, 1035",
    "MULTIXACT_OFFSETS, 2048, 1, 0",
    "MULTIXACT_OFFSETS, 0xFFFFFFFF, 2097151, 2047",
    "COMMIT_TS, 819, 1, 0",
    "COMMIT_TS, 0xFFFFFFFF, 5244160, 255",
  })
  void findsTheEntryOfAnId(Slru slru, String id, int page, int index) {
    int value = Long.decode(id).intValue();
    assertThat(slru.page(value)).isEqualTo(page);
    assertThat(slru.indexOnPage(value)).isEqualTo(index);
    assertThat(slru.pages()).isGreaterThan(page);
  }

  @ParameterizedTest
  @CsvSource({"0, 0000", "1, 0001", "4095, 0FFF", "65536, 10000", "82040, 14078", "163880, 28028"})
  void namesSegments(int segment, String name) {
    assertThat(Slru.fileName(segment)).isEqualTo(name);
    assertThat(Slru.parseFileName(name)).hasValue(segment);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "000", "00000", "000a", "000G", "0000000", "000000000000000", "00 0", "-001"})
  void refusesOtherNames(String name) {
    assertThat(Slru.parseFileName(name)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 0", "3, 0, 6", "4, 1, 0", "0xFFFFFFFF, 8191, 6", "0x80000001, 0, 2"})
  void findsTheStatusOfATransaction(String xid, int at, int shift) {
    int value = Long.decode(xid).intValue();
    assertThat(Slru.statusByte(value)).isEqualTo(at);
    assertThat(Slru.statusShift(value)).isEqualTo(shift);
  }

  @Test
  void membersOfAPageDoNotOverlap() {
    Set<Integer> taken = new HashSet<>();
    for (int offset = 0; offset < Slru.MULTIXACT_MEMBERS.entriesPerPage(); offset++) {
      assertThat(taken.add(MultixactMembers.statusAt(offset))).isTrue();
      for (int i = 0; i < 4; i++) {
        assertThat(taken.add(MultixactMembers.xidAt(offset) + i)).isTrue();
      }
    }
    assertThat(taken).hasSize(8180).allMatch(at -> at >= 0 && at < 8180);
  }

  @Test
  void membersLieAsPostgresqlPutsThem() {
    assertThat(MultixactMembers.statusAt(0)).isZero();
    assertThat(MultixactMembers.xidAt(0)).isEqualTo(4);
    assertThat(MultixactMembers.statusAt(3)).isEqualTo(3);
    assertThat(MultixactMembers.xidAt(3)).isEqualTo(16);
    assertThat(MultixactMembers.statusAt(4)).isEqualTo(20);
    assertThat(MultixactMembers.statusAt(1636)).isZero();
    assertThat(MultixactMembers.xidAt(-1)).isEqualTo(1035 / 4 * 20 + 4 + 1035 % 4 * 4);
  }
}
