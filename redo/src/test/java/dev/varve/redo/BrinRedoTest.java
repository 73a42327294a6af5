package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.model.PageserverException.Unsupported;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The bytes of small pages of BRIN indexes after changes written by hand, and changes that do not
/// fit them.
class BrinRedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private long lsn = 0x1000;

  private void apply(Changes change) {
    redo.apply(KEY, lsn += 0x100, page, change.build());
  }

  private static Changes brin(int info) {
    return Changes.of(Change.BRIN, info);
  }

  private static byte[] tuple(int heapBlock, int length) {
    byte[] bytes = new byte[length];
    MemorySegment.ofArray(bytes).fill((byte) heapBlock);
    return bytes;
  }

  /// A page whose items 1, 2, 3 have 24, 13 and 8 bytes.
  private void items() {
    apply(brin(0x90).initializes().main(0, 4, (short) 1).data(tuple(1, 24)));
    apply(brin(0x10).main(4, 4, (short) 2).data(tuple(2, 13)));
    apply(brin(0x10).main(8, 4, (short) 3).data(tuple(3, 8)));
  }

  private void map() {
    apply(brin(0x40).id(1).initializes().main(7));
  }

  private String bytes(long from, long length) {
    return HexFormat.of().formatHex(page.asSlice(from, length).toArray(PgLayout.BYTE));
  }

  private void assertItem(int number, int offset, int length, int value) {
    assertThat(Page.pointer(page, number)).isEqualTo(Page.pointerOf(offset, Page.NORMAL, length));
    assertThat(page.asSlice(offset, length).toArray(PgLayout.BYTE)).containsOnly((byte) value);
  }

  @Test
  void makesAMetapageAndExtendsTheMap() {
    apply(brin(0x00).initializes().main(128, (short) 1));
    assertThat(bytes(10, 14)).isEqualTo("0000" + "2800" + "f81f" + "f81f" + "0420" + "00000000");
    assertThat(bytes(24, 16)).isEqualTo("fa9c10a8" + "01000000" + "80000000" + "00000000");
    assertThat(bytes(40, 8184 - 40)).matches("0+");
    assertThat(bytes(8184, 8)).isEqualTo("000000000000" + "91f0");
    Page.setLower(page, 24);
    apply(brin(0x40).main(9));
    assertThat(bytes(24, 16)).isEqualTo("fa9c10a8" + "01000000" + "80000000" + "09000000");
    assertThat(Page.lower(page)).isEqualTo(40);
    assertThat(Page.lsn(page)).isEqualTo(lsn);
    page.fill((byte) 0x55);
    map();
    assertThat(bytes(10, 14)).isEqualTo("0000" + "1800" + "f81f" + "f81f" + "0420" + "00000000");
    assertThat(bytes(24, 8184 - 24)).matches("0+");
    assertThat(bytes(8184, 8)).isEqualTo("000000000000" + "92f0");
  }

  @Test
  void makesAPageForItsFirstItem() {
    page.fill((byte) 0x55);
    items();
    assertThat(bytes(10, 14)).isEqualTo("0000" + "2400" + "c81f" + "f81f" + "0420" + "00000000");
    assertItem(1, 8160, 24, 1);
    assertItem(2, 8144, 13, 2);
    assertItem(3, 8136, 8, 3);
    assertThat(bytes(36, 8136 - 36)).matches("0+");
    assertThat(bytes(8184, 8)).isEqualTo("000000000000" + "93f0");
  }

  /// Block, range and number, and where in the map it is to be found.
  @ParameterizedTest
  @CsvSource({
    "0, 4, 24",
    "3, 4, 24",
    "4, 4, 30",
    "5439, 4, 8178",
    "5440, 4, 24",
    "4294967295, 1, 1554",
    "4294967295, 4294967295, 30",
  })
  void pointsToItems(long heapBlock, long perRange, int at) {
    map();
    apply(brin(0x10).id(1).other(0, 0, 0x30002).main((int) heapBlock, (int) perRange, (short) 9));
    assertThat(bytes(at, 6)).isEqualTo("0300" + "0200" + "0900");
    apply(brin(0x50).main((int) perRange, (int) heapBlock, (short) 9));
    assertThat(bytes(at, 6)).isEqualTo("ffff" + "ffff" + "0000");
    apply(
        brin(0x20).id(1).other(0, 0, 0x50004).main(1, (int) heapBlock, (int) perRange, (short) 8));
    assertThat(bytes(at, 6)).isEqualTo("0500" + "0400" + "0800");
    page.asSlice(at, 6).fill((byte) 0);
    assertThat(bytes(24, 8184 - 24)).matches("0+");
  }

  @Test
  void removesAnItemSoThatTheOthersKeepTheirNumbers() {
    items();
    apply(brin(0x20).id(2).main((short) 2, (short) 0, 4, 4, (short) 9));
    assertThat(bytes(12, 4)).isEqualTo("2400" + "d81f");
    assertItem(1, 8160, 24, 1);
    assertThat(Page.pointer(page, 2)).isZero();
    assertItem(3, 8152, 8, 3);
    apply(brin(0x10).main(4, 4, (short) 2).data(tuple(7, 5)));
    assertThat(bytes(12, 4)).isEqualTo("2400" + "d01f");
    assertItem(2, 8144, 5, 7);
    apply(brin(0x50).id(1).main(4, 4, (short) 3));
    assertThat(bytes(12, 4)).isEqualTo("2000" + "d81f");
    assertItem(1, 8160, 24, 1);
    assertItem(2, 8152, 5, 7);
  }

  @Test
  void overwritesAnItemAlsoBesideOneThatIsGone() {
    items();
    apply(brin(0x50).id(1).main(4, 0, (short) 1));
    apply(brin(0x30).main((short) 2).data(tuple(9, 17)));
    assertThat(bytes(12, 4)).isEqualTo("2400" + "d81f");
    assertThat(Page.pointer(page, 1)).isZero();
    assertItem(2, 8160, 17, 9);
    assertItem(3, 8152, 8, 3);
    apply(brin(0x30).main((short) 2).data(tuple(8, 6)));
    assertItem(2, 8176, 6, 8);
    assertItem(3, 8168, 8, 3);
  }

  @Test
  void refusesWhatDoesNotFitItems() {
    items();
    assertRefused(brin(0x10).main(4, 4, (short) 2).data(tuple(1, 8)), "2, which is in use");
    assertRefused(brin(0x10).main(4, 4, (short) 5).data(tuple(1, 8)), "5, the page has 3");
    assertRefused(brin(0x10).main(4, 4, (short) 0).data(tuple(1, 8)), "0, the page has 3");
    assertRefused(brin(0x10).main(4, 4, (short) 4).data(tuple(1, 8100)), "no room");
    assertRefused(brin(0x10).main(4, 4, (short) 4).data(tuple(1, 4)), "4 bytes, not 5");
    assertRefused(brin(0x10).main(4, 4), "8 bytes, not 10");
    assertRefused(brin(0x30).main((short) 4).data(tuple(1, 8)), "item 4");
    assertRefused(brin(0x30).main((short) 1).data(tuple(1, 8160)), "no room");
    assertRefused(brin(0x50).id(1).main(4, 4, (short) 4), "item 4");
    assertRefused(brin(0x50).id(1).main(4, 4, (short) 0), "item 0");
    apply(brin(0x50).id(1).main(4, 4, (short) 1));
    assertRefused(brin(0x50).id(1).main(4, 4, (short) 1), "item 1 of the page has 0 bytes");
    assertRefused(brin(0x10).id(1).other(0, 0, 1).main(4, 4, (short) 1), "kind f093, not f092");
    assertRefused(brin(0x40).main(1), "kind f093, not f091");
    assertRefused(brin(0x10).id(2).main(4, 4, (short) 1), "no block 2");
    assertRefused(brin(0x30).id(1).main((short) 1), "no block 1");
    assertRefused(brin(0x40).id(2).main(1), "no block 2");
    assertRefused(brin(0x50).id(2).main(4, 4, (short) 1), "no block 2");
    assertRefused(brin(0x00).id(1).main(4, (short) 1), "no block 1");
  }

  @Test
  void refusesWhatDoesNotFitTheMap() {
    map();
    assertRefused(brin(0x10).id(1).main(4, 4, (short) 1), "no block 0");
    assertRefused(brin(0x10).id(1).other(0, 0, 1).main(4, 0, (short) 1), "no blocks");
    assertRefused(brin(0x10).id(1).other(0, 0, 1).main(4, 4, (short) 0), "item 0");
    assertRefused(brin(0x10).main(4, 4, (short) 1).data(tuple(1, 8)), "kind f092, not f093");
    page.fill((byte) 0);
    assertRefused(brin(0x50).main(4, 4, (short) 1), "lower 0");
    Page.initialize(page, 16);
    page.set(PgLayout.SHORT, 8190, (short) 0xF092);
    assertRefused(brin(0x50).main(4, 4, (short) 1), "8176");
  }

  @Test
  void saysWhenItDoesNotKnowTheType() {
    items();
    assertThatThrownBy(() -> apply(brin(0x60))).isInstanceOf(Unsupported.class);
  }

  private void assertRefused(Changes change, String part) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
