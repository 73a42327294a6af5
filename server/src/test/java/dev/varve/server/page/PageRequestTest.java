package dev.varve.server.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PageRequestTest {

  private static final String LSNS = "ffffffffffffffff0000000100000002";
  private static final String ID = "0a0b0c0d0e0f1011";
  private static final String RELATION = "0000067f0000000500004000";

  private static final PageRequest.Header V2 = new PageRequest.Header(0, -1, 0x1_0000_0002L);
  private static final PageRequest.Header V3 =
      new PageRequest.Header(0x0a0b_0c0d_0e0f_1011L, -1, 0x1_0000_0002L);

  private static PageRequest read(String hex, int version) throws ProtocolException {
    return PageRequest.read(ByteBuffer.wrap(HexFormat.of().parseHex(hex)), version);
  }

  @Test
  void readsTheBytesOfVersion2() throws ProtocolException {
    assertThat(read("00" + LSNS + RELATION + "00", 2))
        .isEqualTo(new PageRequest.Exists(V2, new PageRequest.Relation(1663, 5, 16384, 0)));
    assertThat(read("01" + LSNS + RELATION + "02", 2))
        .isEqualTo(new PageRequest.Nblocks(V2, new PageRequest.Relation(1663, 5, 16384, 2)));
    assertThat(read("02" + LSNS + RELATION + "ff" + "fffffffe", 2))
        .isEqualTo(new PageRequest.GetPage(V2, new PageRequest.Relation(1663, 5, 16384, 255), -2));
    assertThat(read("03" + LSNS + "00000005", 2)).isEqualTo(new PageRequest.DbSize(V2, 5));
    assertThat(read("04" + LSNS + "02" + "0000000a", 2))
        .isEqualTo(new PageRequest.GetSlruSegment(V2, 2, 10));
  }

  @Test
  void readsTheBytesOfVersion3() throws ProtocolException {
    assertThat(read("00" + ID + LSNS + RELATION + "00", 3))
        .isEqualTo(new PageRequest.Exists(V3, new PageRequest.Relation(1663, 5, 16384, 0)));
    assertThat(read("02" + ID + LSNS + RELATION + "01" + "00000007", 3))
        .isEqualTo(new PageRequest.GetPage(V3, new PageRequest.Relation(1663, 5, 16384, 1), 7));
    assertThat(read("03" + ID + LSNS + "00000005", 3)).isEqualTo(new PageRequest.DbSize(V3, 5));
  }

  @ParameterizedTest
  @CsvSource({"0, 2, 30", "1, 2, 30", "2, 2, 34", "3, 2, 21", "4, 2, 22"})
  void isCompleteAtItsLengthAndNotBefore(int tag, int version, int length)
      throws ProtocolException {
    for (int v = version; v <= 3; v++) {
      byte[] bytes = new byte[length + (v - 2) * 8];
      bytes[0] = (byte) tag;
      assertThat(PageRequest.read(ByteBuffer.wrap(bytes), v)).isNotNull();
      for (int shorter = 0; shorter < bytes.length; shorter++) {
        ByteBuffer cut = ByteBuffer.wrap(Arrays.copyOf(bytes, shorter));
        int present = v;
        assertThatThrownBy(() -> PageRequest.read(cut, present))
            .isInstanceOf(ProtocolException.class)
            .hasMessageContaining("too short");
      }
    }
  }

  @Test
  void knowsNoOtherTags() {
    for (int tag = 5; tag < 256; tag++) {
      byte[] bytes = new byte[64];
      bytes[0] = (byte) tag;
      assertThatThrownBy(() -> PageRequest.read(ByteBuffer.wrap(bytes), 2))
          .isInstanceOf(ProtocolException.class)
          .hasMessageContaining("unknown page stream request");
    }
  }
}
