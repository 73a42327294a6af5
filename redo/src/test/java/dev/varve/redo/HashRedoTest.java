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
import org.junit.jupiter.params.provider.EnumSource;

/// The bytes of small pages of hash indexes after changes written by hand, also of those that no
/// server can be made to write in a test, and changes that do not fit them.
class HashRedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);

  private Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private long lsn = 0x1000;

  private void apply(Changes change) {
    redo.apply(KEY, lsn += 0x100, page, change.build());
  }

  private static Changes hash(int info) {
    return Changes.of(Change.HASH, info);
  }

  private static byte[] tuple(int item) {
    return Changes.bytes(0, (short) item, (short) 0x2010, 0x99L * item);
  }

  /// An overflow page of bucket 5 after block 3 with these items.
  private void overflow(int... items) {
    apply(hash(0x30).initializes().other(1, 0, 3).main((short) 4096, (byte) 0).data(5));
    for (int i = 0; i < items.length; i++) {
      apply(hash(0x20).main((short) (i + 1)).data(tuple(items[i])));
    }
  }

  private void bucket() {
    apply(hash(0x40).id(1).initializes().main(5, (short) 0x22, (short) 0x12, (byte) 0));
  }

  private void bitmap() {
    apply(hash(0x10).initializes().main((short) 4096));
  }

  private void metapage(double tuples, int perBucket) {
    apply(
        hash(0x00).initializes().main(Double.doubleToRawLongBits(tuples), 450, (short) perBucket));
  }

  private String bytes(long from, long length) {
    return HexFormat.of().formatHex(page.asSlice(from, length).toArray(PgLayout.BYTE));
  }

  private int int32(long at) {
    return page.get(PgLayout.INT, at);
  }

  private int[] items() {
    int[] items = new int[Page.pointers(page)];
    for (int i = 0; i < items.length; i++) {
      int pointer = Page.pointer(page, i + 1);
      assertThat(Page.length(pointer)).isEqualTo(16);
      items[i] = page.get(PgLayout.SHORT, Page.offset(pointer) + 4L);
      assertThat(page.asSlice(Page.offset(pointer), 16).toArray(PgLayout.BYTE))
          .isEqualTo(tuple(items[i]));
    }
    return items;
  }

  @Test
  void makesAMetapage() {
    metapage(0, 307);
    assertThat(bytes(10, 14)).isEqualTo("0000" + "d811" + "f01f" + "f01f" + "0420" + "00000000");
    assertThat(bytes(24, 60))
        .isEqualTo(
            "40064406"
                + "04000000"
                + "0000000000000000"
                + "3301"
                + "d81f"
                + "0010"
                + "0f00"
                + "01000000"
                + "03000000"
                + "01000000"
                + "01000000"
                + "00000000"
                + "00000000"
                + "c2010000"
                + "00000000"
                + "01000000");
    assertThat(bytes(84, 8176 - 84)).matches("0+");
    assertThat(bytes(8176, 16)).isEqualTo("ffffffff" + "ffffffff" + "ffffffff" + "0800" + "80ff");
    assertThat(Page.lsn(page)).isEqualTo(lsn);
  }

  /// The steps in which buckets are allotted, worked out by hand.
  @ParameterizedTest
  @CsvSource({
    "-1, 10, 2, 3, 1",
    "25, 10, 2, 3, 1",
    "30, 10, 4, 7, 2",
    "100, 10, 16, 31, 4",
    "5120, 10, 512, 1023, 9",
    "5130, 10, 640, 1023, 10",
    "6410, 10, 768, 1023, 11",
    "7690, 10, 896, 1023, 12",
    "8970, 10, 1024, 2047, 13",
    "10250, 10, 1280, 2047, 14",
    "1e18, 10, 1073741824, 2147483647, 93",
    "Infinity, 10, 1073741824, 2147483647, 93",
  })
  void beginsWithTheBucketsOfWholeSteps(
      double tuples, int perBucket, int buckets, int high, int splitPoint) {
    metapage(tuples, perBucket);
    assertThat(int32(48)).isEqualTo(buckets - 1);
    assertThat(int32(52)).isEqualTo(high);
    assertThat(int32(56)).isEqualTo(high >> 1);
    assertThat(int32(60)).isEqualTo(splitPoint);
    assertThat(int32(76 + 4L * splitPoint)).isEqualTo(1);
  }

  @Test
  void makesABitmapAndListsIt() {
    bitmap();
    assertThat(bytes(12, 6)).isEqualTo("1810" + "f01f" + "f01f");
    assertThat(bytes(24, 4096)).matches("f+");
    assertThat(bytes(4120, 8176 - 4120)).matches("0+");
    assertThat(bytes(8176, 16)).isEqualTo("ffffffff" + "ffffffff" + "ffffffff" + "0400" + "80ff");
    metapage(30, 10);
    apply(hash(0x10).id(1));
    assertThat(int32(68)).isEqualTo(1);
    assertThat(int32(468)).isEqualTo(5);
  }

  @Test
  void marksPagesInTheBitmap() {
    bitmap();
    apply(hash(0x80).id(5).data(67));
    assertThat(bytes(24 + 8, 2)).isEqualTo("f7ff");
    apply(hash(0x80).id(5).data(32767));
    assertThat(bytes(24 + 4095, 1)).isEqualTo("7f");
    apply(hash(0x30).id(2).data(67));
    assertThat(bytes(24 + 8, 2)).isEqualTo("ffff");
  }

  @Test
  void addsAnOverflowPage() {
    overflow();
    assertThat(bytes(12, 6)).isEqualTo("1800" + "f01f" + "f01f");
    assertThat(bytes(8176, 16)).isEqualTo("03000000" + "ffffffff" + "05000000" + "0100" + "80ff");
    apply(hash(0x30).id(1).other(0, 0, 0x1009).main((short) 4096, (byte) 0));
    assertThat(bytes(8176, 8)).isEqualTo("03000000" + "09100000");
  }

  @Test
  void countsAnOverflowPage() {
    metapage(0, 10);
    apply(hash(0x30).id(4).main((short) 4096, (byte) 1).data(9));
    assertThat(int32(64)).isEqualTo(9);
    assertThat(int32(80)).as("a page that was free is counted already").isEqualTo(1);
    apply(hash(0x30).id(4).main((short) 4096, (byte) 0).data(0));
    assertThat(int32(80)).isEqualTo(2);
    assertThat(int32(68)).isEqualTo(0);
  }

  /// It takes 32768 overflow pages until there is a second bitmap page.
  @Test
  void countsANewBitmapPageWithTheOverflowPage() {
    metapage(0, 10);
    apply(hash(0x10).id(1));
    apply(hash(0x30).id(4).other(3, 0, 40000).main((short) 4096, (byte) 0).data(32768));
    assertThat(int32(64)).isEqualTo(32768);
    assertThat(int32(80)).isEqualTo(3);
    assertThat(int32(68)).isEqualTo(2);
    assertThat(int32(472)).isEqualTo(40000);
    apply(hash(0x30).id(3).initializes().main((short) 4096, (byte) 0));
    assertThat(bytes(24, 4096)).matches("f+");
  }

  @Test
  void allocatesABucket() {
    bucket();
    assertThat(bytes(8176, 16)).isEqualTo("05000000" + "ffffffff" + "05000000" + "1200" + "80ff");
    apply(hash(0x40).main(9, (short) 0x22, (short) 0x12, (byte) 0));
    assertThat(bytes(8176, 16)).isEqualTo("09000000" + "ffffffff" + "05000000" + "2200" + "80ff");
    metapage(0, 10);
    apply(hash(0x40).id(2).main(2, (short) 0, (short) 0, (byte) 3).data(3, 7, 2, 6));
    assertThat(bytes(48, 16)).isEqualTo("02000000" + "07000000" + "03000000" + "02000000");
    assertThat(int32(84)).isEqualTo(6);
    apply(hash(0x40).id(2).main(3, (short) 0, (short) 0, (byte) 2).data(4, 8));
    assertThat(bytes(48, 16)).isEqualTo("03000000" + "07000000" + "03000000" + "04000000");
    assertThat(int32(92)).isEqualTo(8);
  }

  @Test
  void completesASplit() {
    bucket();
    apply(hash(0x60).main((short) 0x42, (short) 0x02));
    assertThat(bytes(8188, 2)).isEqualTo("4200");
    apply(hash(0xA0));
    assertThat(bytes(8188, 2)).isEqualTo("0200");
    apply(hash(0x60).id(1).main((short) 0x42, (short) 0x82));
    assertThat(bytes(8188, 2)).isEqualTo("8200");
  }

  @Test
  void movesItems() {
    overflow(1, 2, 3, 4);
    apply(
        hash(0x70).id(1).main((short) 2, (byte) 0).data((short) 1, (short) 4, tuple(8), tuple(9)));
    assertThat(items()).containsExactly(8, 1, 2, 9, 3, 4);
    apply(hash(0x70).id(2).main((short) 2, (byte) 0).data((short) 1, (short) 4));
    assertThat(items()).containsExactly(1, 2, 3, 4);
    apply(hash(0x90).id(1).main((byte) 0, (byte) 0).data((short) 1, (short) 2, (short) 4));
    assertThat(items()).containsExactly(3);
  }

  @Test
  void clearsTheMarkOfDeadItemsWhenNoneAreLeft() {
    bucket();
    apply(hash(0x60).main((short) 0x82, (short) 0));
    apply(hash(0x90).id(1).main((byte) 0, (byte) 1).data());
    assertThat(bytes(8188, 2)).isEqualTo("8200");
    apply(hash(0x90).id(1).main((byte) 1, (byte) 1).data());
    assertThat(bytes(8188, 2)).isEqualTo("0200");
  }

  @Test
  void squeezesAPageOut() {
    overflow(1, 2);
    apply(hash(0x80).id(1).main(3, 0x99, (short) 1, (byte) 0, (byte) 1).data((short) 2, tuple(7)));
    assertThat(items()).containsExactly(1, 7, 2);
    assertThat(bytes(8176, 8)).isEqualTo("03000000" + "99000000");
    apply(hash(0x80).id(3).main(8, 9, (short) 1, (byte) 0, (byte) 0));
    assertThat(bytes(8176, 8)).isEqualTo("03000000" + "09000000");
    // Servers begin with the last page of a chain, so that none ever names a page behind it.
    apply(hash(0x80).id(4).main(8, 9, (short) 1, (byte) 0, (byte) 0));
    assertThat(bytes(8176, 8)).isEqualTo("08000000" + "09000000");
    apply(hash(0x80).id(2).main());
    assertThat(bytes(12, 6)).isEqualTo("1800" + "f01f" + "f01f");
    assertThat(bytes(24, 8176 - 24)).matches("0+");
    assertThat(bytes(8176, 16)).isEqualTo("ffffffff" + "ffffffff" + "ffffffff" + "0000" + "80ff");
    metapage(0, 10);
    apply(hash(0x80).id(6).data(0x1234));
    assertThat(int32(64)).isEqualTo(0x1234);
  }

  @ParameterizedTest
  @EnumSource(PgVersion.class)
  void leavesThePageThatGetsNothingAsTheVersionDoes(PgVersion version) {
    redo = new Redo(version);
    overflow(1);
    long before = lsn;
    apply(hash(0x80).id(1).main(3, 9, (short) 0, (byte) 1, (byte) 0));
    assertThat(Page.lsn(page)).isEqualTo(version.major() < 17 ? lsn : before);
    assertThat(bytes(8176, 8)).isEqualTo("03000000" + "ffffffff");
  }

  @ParameterizedTest
  @CsvSource({"0x70", "0x80", "0x90"})
  void leavesABucketAloneThatWasOnlyLocked(String info) {
    bucket();
    byte[] before = page.toArray(PgLayout.BYTE);
    apply(hash(Integer.decode(info)).main(1L, 1L));
    assertThat(page.toArray(PgLayout.BYTE)).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(PgVersion.class)
  void vacuumsAPage(PgVersion version) {
    redo = new Redo(version);
    overflow(1, 2, 3);
    // The byte behind the count is another field from 16 on, and belongs to the count before.
    Object count = version.major() < 16 ? (Object) 2 : (Object) (1 << 16 | 2);
    apply(hash(0xC0).main(700, count, (short) 1, (short) 3));
    assertThat(items()).containsExactly(2);
    metapage(0, 10);
    apply(hash(0xB0).main(Double.doubleToRawLongBits(1e15)));
    apply(hash(0xC0).id(1).main(700, count));
    apply(hash(0x20).id(1));
    assertThat(Double.longBitsToDouble(page.get(PgLayout.LONG, 32))).isEqualTo(1e15 - 1);
  }

  @Test
  void refusesWhatDoesNotFitThePage() {
    overflow(1);
    assertRefused(hash(0x20).main((short) 3).data(tuple(2)), "item 3");
    assertRefused(hash(0x20).main((short) 1).data(tuple(2), 0L), "more follows");
    assertRefused(hash(0x20).main((short) 1).data(1L), "tuple of 0 bytes");
    assertRefused(hash(0x20).id(2), "no block 2");
    assertRefused(hash(0x20).id(1), "flags 1, none of 8");
    assertRefused(hash(0x70).id(1).main((short) 1, (byte) 0).data((short) 1), "tuple of 0 bytes");
    assertRefused(hash(0x70).id(1).main((short) 2, (byte) 0).data((short) 1), "not 4");
    assertRefused(hash(0x70).id(1).main((short) 0, (byte) 0).data(1L), "8 bytes follow");
    assertRefused(hash(0x70).id(2).main((short) 0, (byte) 0).data((short) 2), "item 2");
    assertRefused(hash(0x70).id(2).main((short) 0, (byte) 0).data((byte) 1), "in 1 bytes");
    assertRefused(hash(0xC0).main(700, 1), "numbers of 1 items in 8 bytes");
    assertRefused(hash(0x50), "no image");
    assertRefused(hash(0x30).id(1).main((short) 4096, (byte) 0), "no block 0");
    assertRefused(hash(0x30).id(5), "no block 5");
    assertRefused(hash(0x80).id(7).main(1L, 1), "no block 7");
    assertRefused(hash(0x10).main((short) 4097), "bitmap of 4097 bytes");
    redo = new Redo(PgVersion.V14);
    assertRefused(hash(0xC0).main(700, -1), "numbers of -1 items");
  }

  @Test
  void refusesWhatDoesNotFitTheMetapage() {
    metapage(0, 10);
    assertRefused(hash(0x40).id(2).main(1L, (byte) 2).data(98, 1), "split point 98");
    assertRefused(hash(0x40).id(2).main(1L, (byte) 2).data(-1, 1), "split point 4294967295");
    assertRefused(hash(0x00).main(0L, 450, (short) 0), "0 in each bucket");
    assertRefused(hash(0x00).main(-1L, 450, (short) 9), "NaN items");
    page.set(PgLayout.INT, 68, 1024);
    assertRefused(hash(0x10).id(1), "1024 bitmap pages");
    page.set(PgLayout.INT, 60, 98);
    assertRefused(hash(0x30).id(4).main((short) 4096, (byte) 0).data(1), "split point 98");
    page.set(PgLayout.INT, 24, 0);
    assertRefused(hash(0x20).id(1), "begins with 00000000");
    bitmap();
    assertRefused(hash(0x80).id(5).data(32768), "no bit 32768");
    assertRefused(hash(0x80).id(5).data(-1), "no bit 4294967295");
    Page.initialize(page, 16);
    assertRefused(hash(0x80).id(5).data(1), "none of a hash index");
  }

  @Test
  void saysWhenItDoesNotKnowTheType() {
    bucket();
    assertThatThrownBy(() -> apply(hash(0xD0))).isInstanceOf(Unsupported.class);
  }

  private void assertRefused(Changes change, String part) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
