package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WalRecordTest {

  /// Parses a record of these pieces and payload; heap inserts, of transaction 700.
  private static WalRecord parse(PgVersion version, String... hex) {
    byte[] pieces = HexFormat.of().parseHex(String.join("", hex).replace(" ", ""));
    byte[] record = new CraftedWal(version, 1 << 20).record(10, 0x80, 0x1234, pieces);
    // Not at the segment's start, and with something behind it.
    MemorySegment bytes = MemorySegment.ofArray(new byte[record.length + 100]);
    MemorySegment.copy(MemorySegment.ofArray(record), 0, bytes, 7, record.length);
    var parsed = new WalRecord(version);
    parsed.parse(bytes, 7, record.length, 0x2000, 0x3000);
    return parsed;
  }

  private static String payload(WalRecord r, long offset, int length) {
    byte[] bytes = r.bytes().asSlice(offset, length).toArray(JAVA_BYTE);
    return HexFormat.of().formatHex(bytes);
  }

  private static final String RELATION = "7F060000 05000000 00400000";

  @Test
  void readsEveryPiece() {
    WalRecord r =
        parse(
            PgVersion.V17,
            "FD 0300",
            "FC BD020000",
            "00 60 0200 " + RELATION + " 09000000",
            "01 91 0000 0400 6400 05 981F 0A000000",
            "02 A2 0300 FFFFFFFF",
            "FF 05",
            "A1A2",
            "B1B2B3B4",
            "C1C2C3",
            "D1D2D3D4D5");
    assertThat(r.startLsn()).isEqualTo(0x2000);
    assertThat(r.endLsn()).isEqualTo(0x3000);
    assertThat(r.previousLsn()).isEqualTo(0x1234);
    assertThat(r.xid()).isEqualTo(700);
    assertThat(r.info()).isEqualTo(0x80);
    assertThat(r.rmgr()).isEqualTo(10);
    assertThat(r.offset()).isEqualTo(7);
    assertThat(r.totalLength()).isEqualTo(24 + 3 + 5 + 20 + 15 + 8 + 2 + 14);
    assertThat(r.origin()).isEqualTo(3);
    assertThat(r.topLevelXid()).isEqualTo(701);
    assertThat(r.blockCount()).isEqualTo(3);
    assertThat(payload(r, r.mainDataOffset(), r.mainDataLength())).isEqualTo("d1d2d3d4d5");

    assertThat(r.blockId(0)).isZero();
    assertThat(r.initializesPage(0)).isTrue();
    assertThat(r.hasImage(0)).isFalse();
    assertThat(r.imageApplies(0)).isFalse();
    assertThat(r.imageLength(0)).isZero();
    assertThat(r.hasData(0)).isTrue();
    assertThat(payload(r, r.dataOffset(0), r.dataLength(0))).isEqualTo("a1a2");
    assertThat(r.block(0)).isEqualTo(9);

    assertThat(r.fork(1)).isEqualTo(1);
    assertThat(r.hasImage(1)).isTrue();
    assertThat(r.imageCompression(1)).isEqualTo(FullPageImage.PGLZ);
    assertThat(r.imageApplies(1)).isFalse();
    assertThat(r.holeOffset(1)).isEqualTo(100);
    assertThat(r.holeLength(1)).isEqualTo(0x1F98);
    assertThat(payload(r, r.imageOffset(1), r.imageLength(1))).isEqualTo("b1b2b3b4");
    assertThat(r.hasData(1)).isFalse();
    assertThat(r.dataLength(1)).isZero();
    assertThat(r.initializesPage(1)).isFalse();

    assertThat(r.fork(2)).isEqualTo(2);
    assertThat(r.block(2)).isEqualTo(-1);
    assertThat(payload(r, r.dataOffset(2), r.dataLength(2))).isEqualTo("c1c2c3");
    for (int i = 0; i < 3; i++) {
      assertThat(r.tablespace(i)).isEqualTo(1663);
      assertThat(r.database(i)).isEqualTo(5);
      assertThat(r.relation(i)).isEqualTo(16384);
      assertThat(r.findBlock(i)).isEqualTo(i);
    }
    assertThat(r.findBlock(3)).isEqualTo(-1);
    assertThatThrownBy(() -> r.block(3)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  /// The flags of 14 and those of 15 and later: apply, compression.
  @ParameterizedTest
  @CsvSource({
    "V14, 00, false, 0", "V14, 02, false, 1", "V14, 04, true,  0", "V14, 06, true,  1",
    "V15, 00, false, 0", "V15, 02, true,  0", "V15, 04, false, 1", "V15, 06, true,  1",
    "V15, 0A, true,  2", "V15, 12, true,  3", "V18, 0A, true,  2", "V18, 10, false, 3",
  })
  void readsTheFlagsOfImages(PgVersion version, String flags, boolean applies, int compression) {
    int length = compression == 0 ? 8192 : 3;
    String little = "%02X%02X".formatted(length & 0xFF, length >> 8);
    WalRecord r =
        parse(
            version,
            "04 10 0000 " + little + " 0000 " + flags,
            RELATION + "01000000",
            "EE".repeat(length));
    assertThat(r.imageApplies(0)).isEqualTo(applies);
    assertThat(r.imageCompression(0)).isEqualTo(compression);
    assertThat(r.imageLength(0)).isEqualTo(length);
    assertThat(r.holeLength(0)).isZero();
    assertThat(r.blockId(0)).isEqualTo(4);
    assertThat(r.mainDataLength()).isZero();
  }

  @Test
  void takesTheHoleOfAnUncompressedImageFromItsLength() {
    WalRecord r =
        parse(
            PgVersion.V17,
            "00 10 0000 0300 0200 03 " + RELATION + " 01000000 FE 01000000",
            "E1E2E3 DD");
    assertThat(r.holeOffset(0)).isEqualTo(2);
    assertThat(r.holeLength(0)).isEqualTo(8189);
    assertThat(payload(r, r.mainDataOffset(), r.mainDataLength())).isEqualTo("dd");
    MemorySegment page = MemorySegment.ofArray(new byte[8192]);
    FullPageImage.restore(r, 0, page);
    assertThat(payload(r, r.imageOffset(0), 3)).isEqualTo("e1e2e3");
    assertThat(page.get(WalRecord.U16, 0)).isEqualTo((short) 0xE2E1);
    assertThat(page.get(WalRecord.U16, 8190)).isEqualTo((short) 0xE300);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "out-of-order block | 01 00 0000 R 01000000 01 00 0000 R 01000000",
        "out-of-order block | 05 00 0000 R 01000000 04 80 0000 01000000",
        "of data against its flags | 00 20 0000 R 01000000",
        "of data against its flags | 00 00 0100 R 01000000 AA",
        "is in fork 4 | 00 04 0000 R 01000000",
        "of the relation before it | 00 80 0000 01000000",
        "invalid piece 33 | 21 00 0000",
        "invalid piece 251 | FB",
        "ends within its header | 00 00",
        "ends within its header | 00 00 0000 7F06",
        "ends within its header | 00 10 0000 0000",
        "ends within its header | FF",
        "ends within its header | FE 010000",
        "ends within its header | FD 01",
        "ends within its header | FC 010000",
        "announces 4294967295 bytes of payload | FE FFFFFFFF AA",
        "announces 2 bytes of payload, but has 1 | FF 02 AA",
        "announces 1 bytes of payload, but has 2 | FF 01 AA AA",
        // Images: a hole without a place, without a length, too large, one that no flag announces,
        // a
        // whole page that says it is compressed, part of a page that says it is whole.
        "with a hole of 8191 at 0 | 00 10 0000 0100 0000 03 R 01000000 AA",
        "with a hole of 0 at 5 | 00 10 0000 0020 0500 03 R 01000000",
        "with a hole of 0 at 5 | 00 10 0000 0100 0500 07 0000 R 01000000 AA",
        "with a hole of 8191 at 5 | 00 10 0000 0100 0500 03 R 01000000 AA",
        "with a hole of 8191 at 0 | 00 10 0000 0100 0000 02 R 01000000 AA",
        "with a hole of 0 at 5 | 00 10 0000 0100 0500 06 R 01000000 AA",
        "an image of 8192 bytes | 00 10 0000 0020 0000 06 R 01000000",
        "an image of 8193 bytes | 00 10 0000 0120 0500 03 R 01000000",
        "an image of 8193 bytes | 00 10 0000 0120 0000 06 R 01000000",
      })
  void refusesWhatPostgresqlRefuses(String line) {
    String finding = line.substring(0, line.indexOf('|')).strip();
    String pieces = line.substring(line.indexOf('|') + 1).replace("R", RELATION);
    assertThatThrownBy(() -> parse(PgVersion.V17, pieces))
        .isInstanceOfSatisfying(WalException.class, e -> assertThat(e.lsn()).isEqualTo(0x2000))
        .hasMessageStartingWith("WAL at 0/2000: ")
        .hasMessageContaining(finding);
  }

  @Test
  void needsAllOfItsBytes() {
    var record = new WalRecord(PgVersion.V17);
    MemorySegment bytes =
        MemorySegment.ofArray(CraftedWal.v17().record(10, 0, 0, new byte[] {-1, 1, 5}));
    record.parse(bytes, 0, 27, 8, 40);
    for (int[] bad :
        new int[][] {{0, 26}, {0, 28}, {1, 27}, {-1, 27}, {0, 23}, {0, -1}, {28, 24}}) {
      assertThatThrownBy(() -> record.parse(bytes, bad[0], bad[1], 8, 40))
          .isInstanceOf(WalException.class);
    }
  }
}
