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

/// The bytes of small GiST pages after changes written by hand, and changes that do not fit them.
class GistRedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  private static final Key ROOT = new Key(0, 1663, 5, 16384, 0, 0);
  private static final long NSN = 0x3_0000_0A0BL;

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private long lsn = 0x2_0000_1000L;

  private void apply(Key key, MemorySegment change) {
    redo.apply(key, lsn += 0x100, page, change);
  }

  private void apply(Changes change) {
    apply(KEY, change.build());
  }

  private static Changes gist(int info) {
    return Changes.of(Change.GIST, info);
  }

  private static byte[] tuple(int item, long key) {
    return Changes.bytes(0, (short) item, (short) 16, key);
  }

  private static byte[] longTuple(int item, long key) {
    return Changes.bytes(0, (short) item, (short) 24, key, key);
  }

  /// A split of a leaf, or of an inner page, into three.
  private static Changes split(boolean leaf, int id) {
    return gist(0x30)
        .id(id)
        .initializes()
        .main(0x55, 0, NSN, (byte) (leaf ? 1 : 0), (byte) 0, (short) 3, (byte) 1, (byte) 0, 0);
  }

  /// A leaf with no right sibling's downlink due.
  private void leaf(byte[]... tuples) {
    byte[] data = Changes.bytes(tuples.length);
    for (byte[] tuple : tuples) {
      data = Changes.bytes(data, tuple);
    }
    apply(split(true, 3).other(1, 0, 3).data(data));
  }

  private byte[] item(int number) {
    int pointer = Page.pointer(page, number);
    return page.asSlice(Page.offset(pointer), Page.length(pointer)).toArray(PgLayout.BYTE);
  }

  private String bytes(long from, long length) {
    return HexFormat.of().formatHex(page.asSlice(from, length).toArray(PgLayout.BYTE));
  }

  @Test
  void makesTheHalvesOfALeaf() {
    apply(split(true, 1).other(2, 0, 0x10009).data(2, tuple(1, 4), tuple(2, 5)));
    assertThat(bytes(10, 14)).isEqualTo("0000" + "2000" + "d01f" + "f01f" + "0420" + "00000000");
    assertThat(bytes(8176, 16)).isEqualTo("030000000b0a0000" + "09000100" + "0900" + "81ff");
    assertThat(item(2)).isEqualTo(tuple(2, 5));
    assertThat(Page.lsn(page)).isEqualTo(lsn);
    apply(split(true, 3).other(1, 0, 6).data(1, tuple(3, 6)));
    assertThat(bytes(8176, 16)).isEqualTo("030000000b0a0000" + "55000000" + "0100" + "81ff");
  }

  @Test
  void makesTheRootAndWhatIsBelowIt() {
    apply(ROOT, split(true, 1).other(2, 0, 9).data(1, tuple(-1, 4)).build());
    assertThat(bytes(8176, 16)).isEqualTo("030000000b0a0000" + "ffffffff" + "0000" + "81ff");
    apply(split(true, 2).other(1, 0, 0).other(3, 0, 9).data(1, tuple(3, 6)));
    assertThat(bytes(8184, 8)).isEqualTo("09000000" + "0100" + "81ff");
    apply(split(false, 2).other(1, 0, 0).other(3, 0, 9).data(1, tuple(3, 6)));
    assertThat(bytes(8184, 8)).isEqualTo("09000000" + "0000" + "81ff");
  }

  @Test
  void addsBehindTheLastItem() {
    leaf(tuple(1, 4));
    apply(gist(0x00).main((short) 0, (short) 2).data(tuple(2, 5), longTuple(3, 6)));
    assertThat(item(2)).isEqualTo(tuple(2, 5));
    assertThat(item(3)).isEqualTo(longTuple(3, 6));
    assertThat(Page.offset(Page.pointer(page, 3))).isEqualTo(8176 - 16 - 16 - 24);
  }

  @Test
  void overwritesOneByOneInItsPlace() {
    leaf(tuple(1, 4), tuple(2, 5));
    apply(gist(0x00).main((short) 1, (short) 1).data((short) 1, longTuple(3, 6)));
    assertThat(item(1)).isEqualTo(longTuple(3, 6));
    assertThat(Page.offset(Page.pointer(page, 1))).isEqualTo(8176 - 24);
    assertThat(Page.offset(Page.pointer(page, 2))).isEqualTo(8176 - 24 - 16);
    assertThat(bytes(8188, 2)).as("no tuple was deleted").isEqualTo("0100");
  }

  @Test
  void removesBeforeItAdds() {
    leaf(tuple(1, 4), tuple(2, 5), tuple(3, 6));
    apply(gist(0x00).main((short) 1, (short) 2).data((short) 2, tuple(4, 7), tuple(5, 8)));
    assertThat(Page.pointers(page)).isEqualTo(4);
    assertThat(item(2)).isEqualTo(tuple(3, 6));
    assertThat(item(4)).isEqualTo(tuple(5, 8));
    assertThat(bytes(8188, 2)).as("tuples were deleted").isEqualTo("0500");
  }

  @Test
  void completesASplitInTheChild() {
    apply(split(true, 1).other(2, 0, 9).data(1, tuple(1, 4)));
    apply(gist(0x00).id(1).main((short) 0, (short) 1));
    assertThat(bytes(8176, 16)).isEqualTo("0200000000120000" + "09000000" + "0100" + "81ff");
    apply(split(true, 1).other(2, 0, 9).data(1, tuple(1, 4)));
    apply(gist(0x30).id(0).main(0x55, 0, NSN, (byte) 1, (byte) 0, (short) 3, (byte) 1));
    assertThat(bytes(8176, 16)).isEqualTo("0200000000140000" + "09000000" + "0100" + "81ff");
  }

  @Test
  void completesASplitInTheImageOfTheChild() {
    apply(split(true, 1).other(2, 0, 9).data(1, tuple(1, 4)));
    byte[] stored = page.toArray(PgLayout.BYTE);
    page.fill((byte) 0);
    apply(KEY, image(stored));
    assertThat(bytes(8176, 16)).isEqualTo("0200000000120000" + "09000000" + "0100" + "81ff");
    assertThat(Page.lsn(page)).isEqualTo(lsn);
    assertThat(item(1)).isEqualTo(tuple(1, 4));
    stored[8191] = 0;
    assertThatThrownBy(() -> apply(KEY, image(stored)))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining("no page of a GiST index")
        .hasMessageContaining("block 7 of relation 1663/5/16384");
  }

  private static MemorySegment image(byte[] stored) {
    return MemorySegment.ofArray(
        Changes.bytes((byte) 10, (byte) 14, (byte) 0, (byte) 0, (short) 0, (short) 0, stored));
  }

  @ParameterizedTest
  @CsvSource({"V15, false", "V16, true", "V18, true"})
  void removesWhatScansFoundDead(PgVersion version, boolean catalogFlag) {
    leaf(tuple(1, 4), tuple(2, 5), tuple(3, 6), tuple(4, 7));
    page.set(PgLayout.SHORT, 8188, (short) 0x11);
    Object[] flag = catalogFlag ? new Object[] {(short) 1} : new Object[0];
    byte[] main =
        Changes.bytes(700, (short) 3, Changes.bytes(flag), (short) 1, (short) 2, (short) 4);
    new Redo(version).apply(KEY, lsn + 8, page, gist(0x10).main(main).build());
    assertThat(Page.pointers(page)).isEqualTo(1);
    assertThat(item(1)).isEqualTo(tuple(3, 6));
    assertThat(bytes(8188, 2)).isEqualTo("0100");
  }

  @Test
  void leavesADeletedPageWithItsTransaction() {
    leaf();
    apply(gist(0x60).main(0x500000309L, (short) 2));
    assertThat(bytes(12, 4)).isEqualTo("2000" + "f01f");
    assertThat(bytes(24, 8)).isEqualTo("0903000005000000");
    assertThat(bytes(8188, 2)).isEqualTo("0300");
  }

  @Test
  void takesTheDownlinkOfADeletedPage() {
    leaf(tuple(1, 4), tuple(2, 5));
    apply(gist(0x60).id(1).main(0x500000309L, (short) 1));
    assertThat(Page.pointers(page)).isEqualTo(1);
    assertThat(item(1)).isEqualTo(tuple(2, 5));
  }

  @Test
  void refusesToDeleteAPageWithItems() {
    leaf(tuple(1, 4));
    assertRefused(gist(0x60).main(0x500000309L, (short) 2), "not empty");
  }

  @Test
  void refusesTuplesThatAreNotAsMany() {
    leaf(tuple(1, 4));
    assertRefused(gist(0x00).main((short) 0, (short) 1).data(tuple(1, 4), tuple(2, 5)), "16 bytes");
    assertRefused(gist(0x00).main((short) 0, (short) 2).data(tuple(1, 4)), "tuple of 0 bytes");
    assertRefused(
        gist(0x00).main((short) 1, (short) 1).data((short) 1, tuple(1, 4), tuple(2, 5)),
        "more follows");
    assertRefused(split(true, 3).other(1, 0, 3).data(-1, tuple(1, 4)), "16 bytes");
    assertRefused(split(true, 3).other(1, 0, 3).data((short) 1), "2 bytes");
  }

  @Test
  void refusesItemsThatThePageHasNot() {
    leaf(tuple(1, 4));
    assertRefused(gist(0x00).main((short) 1, (short) 0).data((short) 2), "item 2");
    assertRefused(gist(0x00).main((short) 9, (short) 0).data((short) 2), "2 bytes, not 18");
    assertRefused(gist(0x10).main(7, (short) 9, (short) 0, (short) 1), "10 bytes, not 26");
    assertRefused(gist(0x60).id(1).main(0x500000309L, (short) 7), "item 7");
  }

  @Test
  void refusesPagesThatTheSplitHasNot() {
    assertRefused(split(true, 4).other(1, 0, 3).data(0), "no block 4");
    assertRefused(split(true, 2).other(1, 0, 3).data(0), "has no block 3");
    leaf();
    assertRefused(
        gist(0x30).id(3).main(0x55, 0, NSN, (byte) 1, (byte) 0, (short) 3, (byte) 1).data(0),
        "no block 3");
    assertRefused(gist(0x00).id(2).main((short) 0, (short) 1), "no block 2");
    assertRefused(gist(0x60).id(2).main(1L, (short) 1), "no block 2");
    assertRefused(gist(0x10).id(1).main(7, (short) 0, (short) 0), "no block 1");
  }

  @Test
  void refusesAPageThatIsNoGist() {
    Page.initialize(page, 16);
    assertRefused(gist(0x00).main((short) 0, (short) 1).data(tuple(1, 4)), "none of a GiST");
    assertRefused(gist(0x00).id(1).main((short) 0, (short) 1), "none of a GiST");
  }

  @Test
  void saysWhenItDoesNotKnowTheType() {
    leaf();
    assertThatThrownBy(() -> apply(gist(0x50))).isInstanceOf(Unsupported.class);
  }

  private void assertRefused(Changes change, String part) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
