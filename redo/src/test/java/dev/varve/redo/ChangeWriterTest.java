package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChangeWriterTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 0x07);
  private static final String MAIN = "ee".repeat(14);
  private final MemorySegment target = MemorySegment.ofArray(new byte[100_000]);

  @Test
  void writesABlockWithItsDataAndTheMainData() {
    WalRecord insert =
        record(10, 0x00, "00 20 0300 7f060000 05000000 00400000 07000000", "a1a2a3", "0100 08");
    assertThat(written(insert, 0)).isEqualTo(hex("01 0a 00 00 00 00 bc020000 0300 010008 a1a2a3"));
    assertThat(ChangeWriter.initializes(insert, 0)).isFalse();
  }

  @Test
  void saysThatRedoInitialisesThePage() {
    WalRecord insert =
        record(10, 0x80, "00 60 0300 7f060000 05000000 00400000 07000000", "a1a2a3", "0100 00");
    assertThat(written(insert, 0)).isEqualTo(hex("01 0a 80 00 01 00 bc020000 0300 010000 a1a2a3"));
    assertThat(ChangeWriter.initializes(insert, 0)).isTrue();
  }

  @Test
  void namesTheOtherBlocksButNotTheVisibilityMapToAHeapPage() {
    String update =
        "00 20 0200 7f060000 05000000 00400000 07000000"
            + "01 80 0000 08000000"
            + "03 82 0000 00000000"
            + "04 00 0000 7f060000 05000000 01400000 09000000";
    WalRecord record = record(10, 0x20, update, "a1a2", "ee".repeat(14) + "ff");
    assertThat(written(record, 0))
        .isEqualTo(
            hex("01 0a 20 00 00 02 bc020000 0e00 018008000000 040009000000 " + MAIN + " a1a2"));
    assertThat(written(record, 1))
        .isEqualTo(hex("01 0a 20 01 00 02 bc020000 0e00 008007000000 040009000000 " + MAIN + ""));
    assertThat(written(record, 2))
        .as(
            "the map page needs the heap blocks; nobody what the main data has for logical"
                + " decoding")
        .isEqualTo(
            hex(
                "01 0a 20 03 00 03 bc020000 0e00 008007000000 018008000000 040009000000 "
                    + MAIN
                    + ""));
  }

  @Test
  void namesAllBlocksToOtherManagers() {
    WalRecord record =
        record(
            11,
            0x30,
            "00 00 0000 7f060000 05000000 00400000 07000000 01 82 0000 08000000",
            "",
            "ee");
    assertThat(written(record, 0))
        .isEqualTo(hex("01 0b 30 00 00 01 bc020000 0100 018208000000 ee"));
  }

  /// The block headers of ids 0 to `count` - 1, blocks 7 and on, each with one byte of data.
  private static String blocks(int count) {
    var headers = new StringBuilder("00 20 0100 7f060000 05000000 00400000 07000000");
    for (int id = 1; id < count; id++) {
      headers.append("%02x a0 0100 %02x000000".formatted(id, 7 + id));
    }
    return headers.toString();
  }

  @ParameterizedTest
  @CsvSource({
    // A hash index: who is locked only, or a page that redo of which reads nothing, gets nothing.
    "12, 0x20, 0, 0200 eeee a0",
    "12, 0x20, 1, 0000 a1",
    "12, 0x10, 1, 0000 a1",
    "12, 0x70, 0, 0000 a0",
    "12, 0x70, 1, 0200 eeee a1",
    "12, 0x70, 2, 0000 a2",
    "12, 0x80, 0, 0000 a0",
    "12, 0x80, 3, 0200 eeee a3",
    "12, 0x80, 5, 0000 a5",
    "12, 0x90, 0, 0000 a0",
    "12, 0x90, 1, 0200 eeee a1",
    "12, 0xC0, 1, 0200 eeee a1",
    // A new overflow page and the page before it name each other, the metapage the new bitmap.
    "12, 0x30, 0, 0000 018008000000 a0",
    "12, 0x30, 1, 0000 008007000000 a1",
    "12, 0x30, 2, 0000 a2",
    "12, 0x30, 4, 0200 03800a000000 eeee a4",
    // BRIN: the range map has to point to the item's page.
    "17, 0x90, 0, 0200 eeee a0",
    "17, 0x10, 1, 0200 008007000000 eeee a1",
    "17, 0x20, 1, 0200 008007000000 eeee a1",
    "17, 0x20, 2, 0200 eeee a2",
    "17, 0x50, 1, 0200 eeee a1",
  })
  void writesOnlyWhatTheBlockOfAHashOrBrinIndexNeeds(
      int rmgr, String info, int block, String expected) {
    WalRecord record = record(rmgr, Integer.decode(info), blocks(7), "a0a1a2a3a4a5a6", "eeee");
    int others = expected.contains("80") ? 1 : 0;
    assertThat(written(record, block))
        .isEqualTo(
            hex(
                "01 %02x %02x %02x 00 %02x bc020000".formatted(rmgr, record.info(), block, others)
                    + expected));
  }

  @Test
  void keepsOfARemovalOnlyTheCountForTheMetapage() {
    WalRecord record = record(12, 0xC0, blocks(2), "a0a1", "bc020000 0200 0100 0300 0400");
    assertThat(written(record, 0))
        .isEqualTo(hex("01 0c c0 00 00 00 bc020000 0c00 bc020000 0200 0100 0300 0400 a0"));
    assertThat(written(record, 1))
        .isEqualTo(hex("01 0c c0 01 00 00 bc020000 0800 bc020000 0200 0100 a1"));
  }

  @Test
  void namesToAPageOfAGistSplitItsSiblingAndTheFirst() {
    String split =
        "00 00 0000 7f060000 05000000 00400000 05000000"
            + "01 c0 0000 06000000 02 c0 0000 08000000 03 c0 0000 09000000 04 c0 0000 0a000000";
    WalRecord record = record(14, 0x30, split, "", "ee");
    assertThat(written(record, 0)).isEqualTo(hex("01 0e 30 00 00 00 bc020000 0100 ee"));
    assertThat(written(record, 1))
        .isEqualTo(hex("01 0e 30 01 01 01 bc020000 0100 028008000000 ee"));
    assertThat(written(record, 3))
        .isEqualTo(hex("01 0e 30 03 01 02 bc020000 0100 018006000000 04800a000000 ee"));
  }

  @ParameterizedTest
  @CsvSource({"00, 0, 02", "00, 1, 0a", "30, 0, 0a", "30, 1, 02", "60, 1, 02"})
  void marksTheImageOfAGistPageWhoseSplitIsComplete(String operation, String id, String kind) {
    WalRecord record =
        record(
            14,
            Integer.parseInt(operation, 16),
            "0" + id + " 10 0000  0200 0100 03  7f060000 05000000 00400000 07000000",
            "cafe",
            "ee");
    assertThat(written(record, 0)).isEqualTo(hex(kind + "0e" + operation + "00 0100 fe1f cafe"));
    assertThat(ChangeWriter.initializes(record, 0)).isTrue();
  }

  @Test
  void keepsOfAnSpgistRecordWhatABlockNeeds() {
    String leaf = "ee".repeat(26);
    assertThat(mainLengths(0x10, leaf)).startsWith(26, 10);
    String node = "ee".repeat(40);
    assertThat(mainLengths(0x30, node)).startsWith(20, 40, 20);
    assertThat(mainLength(record(16, 0x30, block(7), "", node), 0)).isEqualTo(40);
    String moveTwo = "0200" + "0000" + "ee".repeat(36);
    assertThat(mainLengths(0x20, moveTwo)).startsWith(30, 40, 30);
    String moveDead = "0100" + "0001" + "ee".repeat(36);
    assertThat(mainLengths(0x20, moveDead)).startsWith(24, 40, 24);
    // One goes, one comes: the inner tuple, of 24 bytes, begins at 33.
    String split = "eeee" + "0100" + "0100" + "ee".repeat(31) + "1800" + "ee".repeat(41);
    assertThat(mainLengths(0x50, split)).containsExactly(80, 80, 57, 28);
    assertThat(mainLengths(0x60, node)).startsWith(40);
  }

  @Test
  void keepsAllOfAnSpgistRecordThatIsTooShort() {
    assertThat(mainLengths(0x10, "ee")).startsWith(1, 1);
    assertThat(mainLengths(0x20, "ffff" + "ee".repeat(17))).startsWith(19, 19, 19);
    assertThat(mainLengths(0x20, "ffff" + "ee".repeat(18))).startsWith(20, 20, 20);
    assertThat(mainLengths(0x50, "eeee" + "ff".repeat(25))).containsExactly(27, 27, 27, 27);
    assertThat(mainLengths(0x50, "eeee" + "ff".repeat(26))).containsExactly(28, 28, 28, 28);
    String inTheTuple = "eeee" + "0100" + "0100" + "ee".repeat(42);
    assertThat(mainLengths(0x50, inTheTuple)).containsExactly(48, 48, 48, 28);
  }

  private static String block(int number) {
    return "00 00 0000 7f060000 05000000 00400000 %02x000000".formatted(number);
  }

  /// How much of its main data an SP-GiST record's blocks 0 to 3 get.
  private int[] mainLengths(int info, String main) {
    String others = "01 80 0000 08000000 02 80 0000 09000000 03 80 0000 0a000000";
    WalRecord record = record(16, info, block(7) + others, "", main);
    return IntStream.range(0, 4).map(block -> mainLength(record, block)).toArray();
  }

  private int mainLength(WalRecord record, int block) {
    int length = ChangeWriter.write(record, block, target, 0);
    assertThat(length).isLessThanOrEqualTo(ChangeWriter.sizeBound(record, block));
    var change = new Change(PgVersion.V17);
    change.read(KEY, 1, target.asSlice(0, length));
    return change.mainLength();
  }

  @Test
  void writesToGinPagesOnlyWhatTheyNeed() {
    WalRecord insert =
        record(
            13,
            0x20,
            "00 20 0200 7f060000 05000000 00400000 07000000 01 80 0000 08000000",
            "a1a2",
            "ee".repeat(10));
    assertThat(written(insert, 0))
        .isEqualTo(hex("01 0d 20 00 00 00 bc020000 0a00 " + "ee".repeat(10) + " a1a2"));
    assertThat(written(insert, 1)).isEqualTo(hex("01 0d 20 01 00 00 bc020000 0000"));
    WalRecord freed =
        record(
            13,
            0x80,
            "00 40 0000 7f060000 05000000 00400000 00000000 01 c0 0000 08000000",
            "",
            "ee".repeat(64));
    assertThat(written(freed, 0))
        .isEqualTo(hex("01 0d 80 00 01 00 bc020000 4000 " + "ee".repeat(64)));
    assertThat(written(freed, 1)).isEqualTo(hex("01 0d 80 01 01 00 bc020000 0000"));
  }

  @Test
  void keepsLongMainData() {
    WalRecord record =
        record(
            20, 0x00, "00 20 0100 7f060000 05000000 00400000 07000000", "dd", "ab".repeat(70_000));
    int length = ChangeWriter.write(record, 0, target, 3);
    assertThat(length)
        .isEqualTo(14 + 70_000 + 1)
        .isLessThanOrEqualTo(ChangeWriter.sizeBound(record, 0));
    var change = new Change(PgVersion.V17);
    change.read(KEY, 1, target.asSlice(3, length));
    assertThat(change.mainLength()).isEqualTo(70_000);
    assertThat(change.mainByte(69_999)).isEqualTo(0xAB);
    assertThat(change.dataByte(0)).isEqualTo(0xDD);
  }

  @Test
  void keepsOnlyTheImageWhenRedoRestoresIt() {
    // 8192 bytes less a hole of 8190 at 1: two bytes; apply; data and main data do not matter.
    WalRecord record =
        record(
            130,
            0x40,
            "00 30 0100  0200 0100 03  7f060000 05000000 00400000 07000000",
            "cafe dd",
            "ee");
    assertThat(written(record, 0)).isEqualTo(hex("02 82 40 00 0100 fe1f cafe"));
    assertThat(ChangeWriter.initializes(record, 0)).isTrue();
  }

  @Test
  void dropsAnImageThatIsOnlyForChecking() {
    WalRecord record =
        record(
            10,
            0x00,
            "00 30 0100  0200 0100 01  7f060000 05000000 00400000 07000000",
            "cafe dd",
            "ee");
    assertThat(written(record, 0)).isEqualTo(hex("01 0a 00 00 00 00 bc020000 0100 ee dd"));
    assertThat(ChangeWriter.initializes(record, 0)).isFalse();
  }

  @Test
  void writesTheOtherKinds() {
    int[] xids = {9, 0x10, 0x11};
    assertThat(hex(ChangeWriter.clearVisibility(7, -1, 3, false, target, 0)))
        .isEqualTo(hex("03 03 00 07000000 ffffffff"));
    assertThat(hex(ChangeWriter.truncateVisibility(7, target, 0))).isEqualTo(hex("04 07000000"));
    assertThat(hex(ChangeWriter.zeroPage(target, 0))).isEqualTo(hex("05"));
    assertThat(hex(ChangeWriter.commitLog(2, xids, 1, 2, target, 0)))
        .isEqualTo(hex("06 02 10000000 11000000"));
    assertThat(hex(ChangeWriter.multixactOffset(5, 6, target, 0)))
        .isEqualTo(hex("07 05000000 06000000"));
    assertThat(hex(ChangeWriter.multixactOffsets(5, 6, 7, 8, target, 0)))
        .isEqualTo(hex("07 05000000 06000000 07000000 08000000"));
    MemorySegment members = MemorySegment.ofArray(Changes.bytes(1, 2, 3, 4));
    assertThat(hex(ChangeWriter.multixactMembers(9, members, 8, 1, target, 0)))
        .isEqualTo(hex("08 09000000 03000000 04000000"));
    assertThat(hex(ChangeWriter.commitTimestamps(1, 2, xids, 0, 1, target, 0)))
        .isEqualTo(hex("09 0100000000000000 0200 09000000"));
  }

  @ParameterizedTest
  @CsvSource({
    "01 0a 00 00 00 00 bc020000 01, 11 bytes",
    "01 0a 00 00 00 02 bc020000 0000 018008000000, 2 other blocks do not fit",
    "01 0a 00 00 00 00 bc020000 0400 010203, main data of 4 bytes",
    "01 0a 00 00 02 00 bc020000 ffffffff 010203, main data of 4294967295 bytes",
  })
  void refusesLengthsThatDisagree(String hex, String finding) {
    var change = new Change(PgVersion.V17);
    assertThatThrownBy(() -> change.read(KEY, 0x1000, MemorySegment.ofArray(parse(hex))))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("at 0/1000")
        .hasMessageContaining(finding);
  }

  private String written(WalRecord record, int block) {
    int length = ChangeWriter.write(record, block, target, 0);
    assertThat(length).isLessThanOrEqualTo(ChangeWriter.sizeBound(record, block));
    return hex(length);
  }

  private String hex(int length) {
    return HexFormat.of().formatHex(target.asSlice(0, length).toArray(PgLayout.BYTE));
  }

  private static String hex(String spaced) {
    return spaced.replace(" ", "");
  }

  private static byte[] parse(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }

  /// A record of transaction 700 with these block headers, block payloads and main data.
  private static WalRecord record(int rmgr, int info, String blocks, String payload, String main) {
    byte[] headers = parse(blocks);
    byte[] blockBytes = parse(payload);
    byte[] mainBytes = parse(main);
    byte[] body =
        mainBytes.length < 256
            ? Changes.bytes(headers, (byte) 255, (byte) mainBytes.length, blockBytes, mainBytes)
            : Changes.bytes(headers, (byte) 254, mainBytes.length, blockBytes, mainBytes);
    byte[] bytes =
        Changes.bytes(24 + body.length, 700, 0L, (byte) info, (byte) rmgr, (short) 0, 0, body);
    var record = new WalRecord(PgVersion.V17);
    record.parse(MemorySegment.ofArray(bytes), 0, bytes.length, 0x100, 0x200);
    return record;
  }
}
