package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PglzTest {

  private static int decompress(String hex, byte[] target, int room) {
    MemorySegment source = MemorySegment.ofArray(HexFormat.of().parseHex("ff" + hex));
    return Pglz.decompress(
        source, 1, (int) source.byteSize() - 1, MemorySegment.ofArray(target), room);
  }

  @ParameterizedTest
  @CsvSource({
    // Literals; a match of 3 at distance 1 that copies itself; one of 4 at distance 2; one of 18 +
    // 2.
    "00 414243,                 414243",
    "02 41 00 01,               41414141",
    "04 4142 01 02,             414241424142",
    "02 41 0F 01 02,            414141414141414141414141414141414141414141",
    // Nine items need a second control byte; the last match says more than there is room for.
    "00 4142434445464748 01 0001, 4142434445464748484848",
    "02 41 05 01,               41414141",
  })
  void expands(String hex, String expanded) {
    byte[] expected = HexFormat.of().parseHex(expanded);
    byte[] target = new byte[expected.length + 5];
    assertThat(decompress(hex.replace(" ", ""), target, expected.length))
        .isEqualTo(expected.length);
    assertThat(Arrays.copyOf(target, expected.length)).isEqualTo(expected);
    assertThat(Arrays.copyOfRange(target, expected.length, target.length)).containsOnly(0);
  }

  @ParameterizedTest
  @CsvSource({
    "01 00 01,       4, a match before the first byte",
    "02 41 00 02,    4, a match further back than the output",
    "02 41 00 00,    4, a match at distance 0",
    "02 41 00,       4, half a match",
    "02 41 0F 01,    4, a long match without its length",
    "00 4142,        3, too short",
    "00 414243,      2, too long",
    "02 41 00 01 42, 4, bytes left over",
  })
  void refuses(String hex, int room, String why) {
    byte[] target = new byte[16];
    assertThat(decompress(hex.replace(" ", ""), target, room)).as(why).isEqualTo(-1);
    assertThat(MemorySegment.ofArray(target).asSlice(room).toArray(JAVA_BYTE)).containsOnly(0);
  }
}
