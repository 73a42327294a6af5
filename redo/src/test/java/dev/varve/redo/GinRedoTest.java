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
import org.junit.jupiter.params.provider.ValueSource;

/// The bytes of small GIN pages of tuples after changes written by hand, and changes that do not
/// fit them. Posting trees: {@link GinPostingTreeTest}.
class GinRedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  private static final byte NEW = 0;
  private static final byte REPLACES = 1;

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private long lsn = 0x1000;

  private void apply(Changes change) {
    redo.apply(KEY, lsn += 0x100, page, change.build());
  }

  private static Changes gin(int info) {
    return Changes.of(Change.GIN, info);
  }

  private static byte[] tuple(int block, int item, long key) {
    return Changes.bytes(block << 16 | block >>> 16, (short) item, (short) 16, key);
  }

  /// An INSERT into a leaf of the entry tree.
  private static Changes leaf(int number, byte replaces, byte[]... tuples) {
    return gin(0x20).main((short) 2).data(entry(number, replaces, tuples));
  }

  /// An INSERT into an inner page of the entry tree.
  private static Changes inner(int number, byte replaces, int left, int right, byte[] tuple) {
    return gin(0x20)
        .main((short) 0, left << 16 | left >>> 16, right << 16 | right >>> 16)
        .data(entry(number, replaces, tuple));
  }

  private static byte[] entry(int number, byte replaces, byte[]... tuples) {
    return Changes.bytes((short) number, replaces, (byte) 0, Changes.bytes((Object[]) tuples));
  }

  private static byte[] metadata(int tail) {
    return Changes.bytes(3, tail, 500, 2, 9L, 20, 5, 4, 0, 77L, 2, 0);
  }

  private static Changes meta(int id, int oldTail, int newRight, int tuples) {
    return gin(0x60).id(id).main(1663, 5, 16384, 0, metadata(6), oldTail, newRight, tuples, 0);
  }

  /// A page of the entry tree.
  private void entryPage(int flags, byte[]... tuples) {
    GinPage.initialize(page, flags);
    var change = new Change(PgVersion.V17);
    for (byte[] tuple : tuples) {
      IndexItems.append(change, page, MemorySegment.ofArray(tuple), 0, tuple.length);
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
  void makesAMetapage() {
    apply(meta(0, -1, -1, 0).initializes());
    assertThat(bytes(8, 16))
        .isEqualTo("0000" + "0000" + "5000" + "f81f" + "f81f" + "0420" + "00000000");
    assertThat(bytes(24, 56)).isEqualTo(HexFormat.of().formatHex(metadata(6)));
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0000" + "0800");
    assertThat(Page.lsn(page)).isEqualTo(lsn);
    apply(gin(0x80).initializes().main(metadata(8), 2, 0));
    assertThat(bytes(24, 56)).isEqualTo(HexFormat.of().formatHex(metadata(8)));
  }

  @Test
  void makesPagesOfThePendingList() {
    apply(gin(0x70).initializes().main(9, 2).data(tuple(0, 1, 4), tuple(0, 1, 5)));
    assertThat(item(1)).isEqualTo(tuple(0, 1, 4));
    assertThat(item(2)).isEqualTo(tuple(0, 1, 5));
    assertThat(bytes(8184, 8)).isEqualTo("09000000" + "0000" + "1000");
    apply(gin(0x70).initializes().main(-1, 1).data(tuple(0, 1, 6)));
    assertThat(Page.pointers(page)).isEqualTo(1);
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0100" + "3000");
  }

  @Test
  void addsARowToTheTailOfThePendingList() {
    apply(gin(0x70).initializes().main(-1, 1).data(tuple(0, 1, 6)));
    apply(meta(1, -1, -1, 2).data(tuple(0, 2, 3), tuple(0, 2, 9)));
    assertThat(Page.pointers(page)).isEqualTo(3);
    assertThat(item(3)).isEqualTo(tuple(0, 2, 9));
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0200" + "3000");
    apply(meta(1, 7, 12, 0));
    assertThat(bytes(8184, 8)).isEqualTo("0c000000" + "0200" + "3000");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 16})
  void freesPagesOfThePendingList(int id) {
    page.fill((byte) 0x77);
    apply(gin(0x80).id(id).initializes());
    assertThat(bytes(8, 16))
        .isEqualTo("0000" + "0000" + "1800" + "f81f" + "f81f" + "0420" + "00000000");
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0000" + "0400");
  }

  @Test
  void insertsAnEntryOrReplacesIt() {
    entryPage(GinPage.LEAF, tuple(0, 1, 4), tuple(0, 2, 6));
    apply(leaf(2, NEW, tuple(0, 3, 5)));
    assertThat(Page.pointers(page)).isEqualTo(3);
    assertThat(item(2)).isEqualTo(tuple(0, 3, 5));
    apply(leaf(3, REPLACES, tuple(0, 9, 6)));
    assertThat(Page.pointers(page)).isEqualTo(3);
    assertThat(item(3)).isEqualTo(tuple(0, 9, 6));
    assertThat(Page.upper(page)).isEqualTo(8184 - 3 * 16);
  }

  @Test
  void leadsToBothHalvesOfASplit() {
    entryPage(0, tuple(20, 0, 4), tuple(21, 0, 6));
    apply(inner(2, NEW, 21, 0x1002C, tuple(21, 0, 5)));
    assertThat(Page.pointers(page)).isEqualTo(3);
    assertThat(item(2)).isEqualTo(tuple(21, 0, 5));
    assertThat(item(3)).isEqualTo(tuple(0x1002C, 0, 6));
  }

  @Test
  void finishesTheSplitOfTheChild() {
    entryPage(GinPage.LEAF | GinPage.INCOMPLETE_SPLIT, tuple(0, 1, 4));
    apply(gin(0x20).id(1));
    assertThat(bytes(8190, 2)).isEqualTo("0200");
    entryPage(GinPage.INCOMPLETE_SPLIT, tuple(0, 1, 4));
    apply(gin(0x30).id(3));
    assertThat(bytes(8190, 2)).isEqualTo("0000");
  }

  @Test
  void namesTheRecordThatDoesNotFit() {
    entryPage(GinPage.LEAF, tuple(0, 1, 4));
    assertThatThrownBy(() -> apply(leaf(3, NEW, tuple(0, 3, 5))))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining("Gin/INSERT at 0/1100");
  }

  @Test
  void refusesEntriesThatThePageHasNot() {
    entryPage(GinPage.LEAF, tuple(0, 1, 4));
    assertRefused(leaf(0, NEW, tuple(0, 3, 5)), "item 0");
    assertRefused(leaf(2, REPLACES, tuple(0, 3, 5)), "item 2");
    assertRefused(leaf(1, (byte) 2, tuple(0, 3, 5)), "02");
    assertRefused(leaf(1, NEW, tuple(0, 3, 5), new byte[8]), "follows the tuple");
    assertRefused(leaf(1, NEW, new byte[16]), "tuple of 0 bytes");
    assertRefused(leaf(1, NEW), "where there are 0");
    assertRefused(inner(1, NEW, 1, 2, tuple(0, 3, 5)), "flags 2 where 0");
    entryPage(0, tuple(20, 0, 4));
    assertRefused(inner(2, NEW, 1, 2, tuple(0, 3, 5)), "item 2");
    assertRefused(inner(1, REPLACES, 1, 2, tuple(0, 3, 5)), "inner page");
    assertRefused(leaf(1, NEW, tuple(0, 3, 5)), "flags 0 where 2");
    assertRefused(gin(0x20).main((short) 8).data(entry(1, NEW, tuple(0, 3, 5))), "flags are 8");
  }

  @Test
  void refusesAListThatIsNotWhatItSays() {
    assertRefused(gin(0x70).initializes().main(-1, 2).data(tuple(0, 1, 6)), "where there are 0");
    assertRefused(gin(0x70).initializes().main(-1, 0).data(tuple(0, 1, 6)), "16 bytes follow");
    assertRefused(gin(0x70).initializes().main(-1, -1).data(), "-1 tuples");
    apply(gin(0x70).initializes().main(-1, 1).data(tuple(0, 1, 6)));
    assertRefused(meta(1, -1, -1, 0), "no page");
    assertRefused(meta(1, -1, -1, -5), "-5 tuples");
    assertRefused(meta(1, -1, -1, 1).data(new byte[16]), "tuple of 0");
    entryPage(GinPage.LEAF);
    assertRefused(meta(1, -1, -1, 1).data(tuple(0, 1, 6)), "flags 2 where 10");
    assertRefused(meta(1, 7, 12, 0), "flags 2 where 10");
    assertRefused(gin(0x60).initializes().main(1663, 5), "main data");
    assertRefused(gin(0x80).initializes().main(1663, 5), "main data");
  }

  @Test
  void refusesBlocksAndImagesThatAreNotThere() {
    entryPage(GinPage.LEAF);
    assertRefused(gin(0x30).id(0), "image of block id 0");
    assertRefused(gin(0x30).id(2), "image of block id 2");
    assertRefused(gin(0x40), "image");
    for (int info : new int[] {0x10, 0x20, 0x30, 0x60, 0x70, 0x80, 0x90}) {
      assertRefused(gin(info).id(17).main((short) 0), "no block 17");
    }
  }

  @Test
  void refusesAPageThatIsNoneOfGin() {
    Page.initialize(page, 16);
    assertRefused(leaf(1, NEW, tuple(0, 3, 5)), "none of GIN");
    assertRefused(gin(0x20).id(1), "none of GIN");
  }

  @Test
  void saysWhenItDoesNotKnowTheType() {
    entryPage(0);
    assertThatThrownBy(() -> apply(gin(0xA0))).isInstanceOf(Unsupported.class);
  }

  private void assertRefused(Changes change, String part) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
