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
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/// The bytes of small B-tree pages after changes written by hand, and changes that do not fit them.
class BtreeRedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private long lsn = 0x1000;

  private void apply(Changes change) {
    redo.apply(KEY, lsn += 0x100, page, change.build());
  }

  private static Changes btree(int info) {
    return Changes.of(Change.BTREE, info);
  }

  /// A leaf's tuple: a heap TID and an eight-byte key.
  private static byte[] tuple(int block, int item, long key) {
    return Changes.bytes(block << 16 | block >>> 16, (short) item, (short) 16, key);
  }

  private static byte[] posting(long key, int... items) {
    int length = 16 + items.length * 6 + 7 & ~7;
    byte[] head =
        Changes.bytes(16 << 16, (short) (0x2000 | items.length), (short) (0x2000 | length), key);
    byte[] bytes = Arrays.copyOf(head, length);
    for (int i = 0; i < items.length; i++) {
      bytes[16 + 6 * i + 4] = (byte) items[i];
    }
    return bytes;
  }

  private void leaf(byte[]... tuples) {
    apply(btree(0xA0).initializes().main(7, 0).data());
    for (int i = 0; i < tuples.length; i++) {
      apply(btree(0x00).main((short) (i + 1)).data(tuples[i]));
    }
  }

  private byte[] item(int number) {
    int pointer = Page.pointer(page, number);
    return page.asSlice(Page.offset(pointer), Page.length(pointer)).toArray(PgLayout.BYTE);
  }

  private String bytes(long from, long length) {
    return HexFormat.of().formatHex(page.asSlice(from, length).toArray(PgLayout.BYTE));
  }

  @Test
  void makesALeafTheRoot() {
    leaf();
    assertThat(bytes(10, 14)).isEqualTo("0000" + "1800" + "f01f" + "f01f" + "0420" + "00000000");
    assertThat(bytes(8176, 16)).isEqualTo("00000000" + "00000000" + "00000000" + "0300" + "0000");
    assertThat(Page.lsn(page)).isEqualTo(lsn);
  }

  @Test
  void makesAMetapage() {
    apply(
        btree(0xA0)
            .id(2)
            .initializes()
            .main(7, 1)
            .data(4, 7, 1, 7, 1, 9, (byte) 1, (byte) 0, (short) 0));
    assertThat(bytes(12, 4)).isEqualTo("4800" + "f01f");
    assertThat(bytes(24, 48))
        .isEqualTo(
            "62310500"
                + "04000000"
                + "07000000"
                + "01000000"
                + "07000000"
                + "01000000"
                + "09000000"
                + "00000000"
                + "000000000000f0bf"
                + "0100000000000000");
    assertThat(bytes(8176, 16)).isEqualTo("000000000000000000000000" + "0800" + "0000");
  }

  @Test
  void leavesALeafThatIsToGoWithTheTopOfItsBranch() {
    apply(btree(0xB0).initializes().main((short) 2, (short) 0, 7, 3, 0x10009, 0x2000A));
    assertThat(item(1)).isEqualTo(Changes.bytes(0xA0002, (short) 0, (short) 0x2008));
    assertThat(bytes(8176, 16)).isEqualTo("03000000" + "09000100" + "00000000" + "1100" + "0000");
  }

  @Test
  void leavesADeletedPageWithItsTransaction() {
    apply(btree(0x80).initializes().main(3, 9, 2, 0, 0x500000309L, 4, 5, -1));
    assertThat(bytes(12, 4)).isEqualTo("2000" + "f01f");
    assertThat(bytes(24, 8)).isEqualTo("0903000005000000");
    assertThat(bytes(8176, 16)).isEqualTo("03000000" + "09000000" + "02000000" + "0401" + "0000");
  }

  @Test
  void splitsAPostingList() {
    leaf(posting(5, 10, 20, 30));
    apply(btree(0x50).main((short) 2).data((short) 1, tuple(0, 15, 5)));
    assertThat(item(1)).isEqualTo(posting(5, 10, 15, 20));
    assertThat(item(2)).isEqualTo(tuple(0, 30, 5));
  }

  @Test
  void splitsAPostingListAtTheEndOfTheLeftPage() {
    leaf(tuple(0, 1, 4), posting(5, 10, 20, 30), tuple(0, 40, 5));
    apply(
        btree(0x40)
            .other(1, 0, 8)
            .main(0, (short) 3, (short) 3, (short) 1)
            .data(tuple(0, 15, 5), tuple(0, 30, 5)));
    assertThat(Page.pointers(page)).isEqualTo(3);
    assertThat(item(1)).isEqualTo(tuple(0, 30, 5));
    assertThat(item(2)).isEqualTo(tuple(0, 1, 4));
    assertThat(item(3)).isEqualTo(posting(5, 10, 15, 20));
    assertThat(bytes(8176, 16)).isEqualTo("00000000" + "08000000" + "00000000" + "8100" + "0000");
  }

  @Test
  void mergesRunsIntoPostingLists() {
    leaf(tuple(0, 1, 4), tuple(0, 2, 5), posting(5, 3, 4), tuple(0, 5, 5), tuple(0, 6, 6));
    apply(btree(0x60).main((short) 1).data((short) 2, (short) 3));
    assertThat(Page.pointers(page)).isEqualTo(3);
    assertThat(item(1)).isEqualTo(tuple(0, 1, 4));
    assertThat(item(2)).isEqualTo(posting(5, 2, 3, 4, 5));
    assertThat(item(3)).isEqualTo(tuple(0, 6, 6));
  }

  @Test
  void thinsOutPostingListsBeforeItRemovesItems() {
    leaf(posting(4, 1, 2, 3), tuple(0, 9, 5), posting(6, 5, 6));
    apply(
        btree(0xC0)
            .main((short) 1, (short) 2)
            .data((short) 2, (short) 1, (short) 3, (short) 1, (short) 1, (short) 1, (short) 0));
    assertThat(Page.pointers(page)).isEqualTo(2);
    assertThat(item(1)).isEqualTo(posting(4, 1, 3));
    assertThat(item(2)).isEqualTo(tuple(0, 6, 6));
  }

  @Test
  void namesTheRecordThatDoesNotFit() {
    leaf(tuple(0, 1, 4));
    assertThatThrownBy(() -> apply(btree(0x00).main((short) 3).data(tuple(0, 2, 5))))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining("Btree/INSERT_LEAF at 0/1300");
  }

  @Test
  void refusesATupleOfAnotherLength() {
    leaf();
    assertRefused(btree(0x00).main((short) 1).data(tuple(0, 1, 4), new byte[8]), "follows");
    assertRefused(btree(0x00).main((short) 1).data(new byte[7]), "7");
    assertRefused(btree(0x00).main((short) 1).data(new byte[16]), "tuple of 0 bytes");
  }

  @Test
  void refusesToSplitWhatIsNoPostingList() {
    leaf(tuple(0, 1, 4), posting(5, 2, 3));
    assertRefused(btree(0x50).main((short) 2).data((short) 1, tuple(0, 2, 4)), "no posting list");
    assertRefused(btree(0x50).main((short) 3).data((short) 0, tuple(0, 2, 4)), "split at 0");
    assertRefused(btree(0x50).main((short) 3).data((short) 2, tuple(0, 2, 4)), "split at 2");
  }

  @Test
  void refusesRunsThatThePageHasNot() {
    leaf(tuple(0, 1, 4), tuple(0, 2, 4));
    assertRefused(btree(0x60).main((short) 1).data((short) 1, (short) 3), "item 3");
    assertRefused(btree(0x60).main((short) 1).data((short) 1, (short) 1), "run has 1");
    assertRefused(btree(0x60).main((short) 1).data((short) 3, (short) 2), "run 1 of 1");
    assertRefused(btree(0x60).main((short) 2).data((short) 1, (short) 2), "4 bytes");
  }

  @Test
  void refusesToTakeOutAllOrUnknownTids() {
    leaf(posting(4, 1, 2));
    assertRefused(vacuum(1, 2, 0, 1), "of 2 TIDs");
    assertRefused(vacuum(1, 1, 2), "of 2 TIDs");
    assertRefused(vacuum(2, 1, 0), "item 2");
    assertRefused(vacuum(1, 9, 0), "bytes");
  }

  private static Changes vacuum(int item, int count, int... positions) {
    Object[] parts = new Object[2 + positions.length];
    parts[0] = (short) item;
    parts[1] = (short) count;
    for (int i = 0; i < positions.length; i++) {
      parts[2 + i] = (short) positions[i];
    }
    return btree(0xC0).main((short) 0, (short) 1).data(parts);
  }

  @Test
  void refusesAPageThatIsNoBtree() {
    Page.initialize(page, 8);
    assertRefused(btree(0x00).main((short) 1).data(tuple(0, 1, 4)), "none of a B-tree");
  }

  @Test
  void saysWhenItDoesNotKnowTheType() {
    leaf();
    assertThatThrownBy(() -> apply(btree(0xF0))).isInstanceOf(Unsupported.class);
  }

  private void assertRefused(Changes change, String part) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
