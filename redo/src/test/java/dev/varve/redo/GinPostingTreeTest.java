package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The bytes of pages of a posting tree after changes written by hand, and changes that do not fit
/// them.
class GinPostingTreeTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  private static final byte[] ONE = GinPostingListTest.segment(2049, 2050, 2060);
  private static final byte[] TWO = GinPostingListTest.segment(6145, 8193);
  private static final byte[] THREE = GinPostingListTest.segment(20481, 22529);
  private static final byte[] OTHER = GinPostingListTest.segment(10241, 10242, 10243, 10244);

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private long lsn = 0x1000;

  private void apply(Changes change) {
    redo.apply(KEY, lsn += 0x100, page, change.build());
  }

  private static Changes gin(int info) {
    return Changes.of(Change.GIN, info);
  }

  /// CREATE_PTREE.
  private void leaf(byte[]... segments) {
    byte[] content = Changes.bytes((Object[]) segments);
    apply(gin(0x10).initializes().main(content.length, content));
  }

  private static byte[] action(int segment, int action, Object... parts) {
    return Changes.bytes((byte) segment, (byte) action, Changes.bytes(parts));
  }

  private static byte[] addition(int segment, int... items) {
    byte[] bytes = action(segment, 4, (short) items.length);
    for (int item : items) {
      bytes = Changes.bytes(bytes, (short) 0, (short) (item >>> 11), (short) (item & 0x7FF));
    }
    return bytes;
  }

  private static Changes recompress(int info, byte[]... actions) {
    Changes change = gin(info).data((short) actions.length, Changes.bytes((Object[]) actions));
    return info == 0x20 ? change.main((short) 3) : change;
  }

  private void assertSegments(byte[]... segments) {
    byte[] content = Changes.bytes((Object[]) segments);
    assertThat(Page.lower(page)).isEqualTo(32 + content.length);
    assertThat(page.asSlice(32, content.length).toArray(PgLayout.BYTE)).isEqualTo(content);
  }

  private String bytes(long from, long length) {
    return HexFormat.of().formatHex(page.asSlice(from, length).toArray(PgLayout.BYTE));
  }

  @Test
  void makesALeaf() {
    leaf(ONE, TWO);
    assertThat(bytes(8, 24))
        .isEqualTo(
            "0000" + "0000" + "3400" + "f81f" + "f81f" + "0420" + "00000000" + "0000000000000000");
    assertThat(bytes(32, 20))
        .isEqualTo("000001000100" + "0200" + "010a" + "000003000100" + "0200" + "8010")
        .hasSize(40);
  }

  @Test
  void hasTheFlagsOfALeaf() {
    leaf(ONE);
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0000" + "8300");
    assertThat(Page.lsn(page)).isEqualTo(lsn);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x20, 0x90})
  void doesEachActionAlone(int info) {
    leaf(ONE, TWO, THREE);
    apply(recompress(info, action(1, 1)));
    assertSegments(ONE, THREE);
    apply(recompress(info, action(1, 2, OTHER)));
    assertSegments(ONE, OTHER, THREE);
    apply(recompress(info, action(0, 3, TWO)));
    assertSegments(TWO, OTHER, THREE);
    apply(recompress(info, addition(2, 20482, 22530)));
    assertSegments(TWO, OTHER, GinPostingListTest.segment(20481, 20482, 22529, 22530));
    apply(recompress(info, action(3, 2, ONE)));
    assertSegments(TWO, OTHER, GinPostingListTest.segment(20481, 20482, 22529, 22530), ONE);
  }

  @Test
  void doesAllActionsInOneRecord() {
    leaf(ONE, TWO, THREE, ONE);
    apply(
        recompress(
            0x90,
            action(0, 2, OTHER),
            action(0, 2, TWO),
            addition(0, 2052),
            action(1, 1),
            action(2, 3, OTHER),
            action(4, 2, THREE)));
    assertSegments(
        OTHER, TWO, GinPostingListTest.segment(2049, 2050, 2052, 2060), OTHER, ONE, THREE);
    apply(recompress(0x90, action(0, 1), action(1, 1), action(2, 1)));
    assertSegments(OTHER, ONE, THREE);
    apply(recompress(0x90, action(0, 1), action(1, 1), action(2, 1)));
    assertSegments();
    apply(recompress(0x90, action(0, 2, ONE)));
    assertSegments(ONE);
  }

  @Test
  void keepsBytesThatMoveBackToWhereTheyWere() {
    leaf(TWO, THREE, OTHER, ONE);
    apply(recompress(0x20, action(0, 2, TWO), action(1, 1)));
    assertSegments(TWO, TWO, OTHER, ONE);
  }

  @Test
  void fillsThePageToItsEnd() {
    byte[] small = GinPostingListTest.segment(2049);
    byte[][] segments = new byte[(8184 - 32) / 8 - 1][];
    Arrays.fill(segments, small);
    leaf(segments);
    apply(recompress(0x90, action(0, 2, small)));
    assertThat(Page.lower(page)).isEqualTo(8184);
    assertRefused(recompress(0x90, action(0, 2, small)), "no room");
    assertRefused(recompress(0x90, addition(0, 2050)), "no room");
    assertRefused(recompress(0x90, addition(255, 2050)), "no room");
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0000" + "8300");
  }

  @Test
  void compressesAPageOfOldFirst() {
    GinPage.initialize(page, GinPage.DATA | GinPage.LEAF);
    byte[] plain = Changes.bytes((short) 0, (short) 1, (short) 1, (short) 0, (short) 1, (short) 2);
    MemorySegment.copy(plain, 0, page, PgLayout.BYTE, 32, plain.length);
    GinPage.setCount(page, 2);
    apply(recompress(0x20, addition(0, 2060)));
    assertSegments(ONE);
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0000" + "8300");
    GinPage.initialize(page, GinPage.DATA | GinPage.LEAF);
    apply(recompress(0x20, action(0, 2, ONE)));
    assertSegments(ONE);
    GinPage.initialize(page, GinPage.DATA | GinPage.LEAF);
    GinPage.setCount(page, 1400);
    assertRefused(recompress(0x20, action(0, 2, ONE)), "1400 TIDs");
    GinPage.setCount(page, 1);
    assertRefused(recompress(0x20, action(0, 2, ONE)), "(0,0)");
  }

  @Test
  void leadsToBothHalvesOfASplit() {
    innerPage(item(20, 5), item(21, 9));
    apply(insertInner(2, 0x1002C, item(21, 7)));
    assertThat(Page.lower(page)).isEqualTo(32 + 30);
    assertThat(page.asSlice(32, 30).toArray(PgLayout.BYTE))
        .isEqualTo(Changes.bytes(item(20, 5), item(21, 7), item(0x1002C, 9)));
    assertThat(bytes(8184, 8)).isEqualTo("ffffffff" + "0300" + "0100");
  }

  @Test
  void deletesAPage() {
    innerPage(item(20, 5), item(21, 7), item(22, 9));
    apply(deletePage(1, 2));
    assertThat(Page.lower(page)).isEqualTo(32 + 20);
    assertThat(page.asSlice(32, 20).toArray(PgLayout.BYTE))
        .isEqualTo(Changes.bytes(item(20, 5), item(22, 9)));
    apply(deletePage(1, 2));
    assertThat(page.asSlice(32, 10).toArray(PgLayout.BYTE)).isEqualTo(item(20, 5));
    leaf(ONE);
    apply(deletePage(2, 2));
    assertThat(bytes(8184, 8)).isEqualTo("58000000" + "0000" + "8300");
    apply(deletePage(0, 2));
    assertThat(bytes(8184, 8)).isEqualTo("58000000" + "0000" + "8700");
    assertThat(Page.pruneXid(page)).isEqualTo(0x2FF);
  }

  private static byte[] item(int block, int tid) {
    return Changes.bytes(block << 16 | block >>> 16, (short) 0, (short) 0, (short) tid);
  }

  private void innerPage(byte[]... items) {
    GinPage.initialize(page, GinPage.DATA);
    byte[] content = Changes.bytes((Object[]) items);
    MemorySegment.copy(content, 0, page, PgLayout.BYTE, 32, content.length);
    GinPage.setCount(page, items.length);
  }

  private static Changes insertInner(int number, int right, byte[] item) {
    return gin(0x20).main((short) 1, 0, right << 16 | right >>> 16).data((short) number, item);
  }

  private static Changes deletePage(int id, int number) {
    return gin(0x50).id(id).main((short) number, (short) 0, 0x58, 0x2FF);
  }

  @Test
  void refusesActionsThatThePageHasNotTheSegmentsFor() {
    leaf(ONE, TWO);
    assertRefused(recompress(0x90, action(2, 1)), "where there are 0");
    assertRefused(recompress(0x90, action(2, 3, ONE)), "where there are 0");
    assertRefused(recompress(0x90, addition(2, 2052)), "where there are 0");
    assertRefused(recompress(0x90, action(3, 2, ONE)), "where there are 0");
    assertRefused(recompress(0x90, action(1, 1), action(0, 1)), "segment 0 follows one on 2");
    assertRefused(recompress(0x90, action(1, 1), action(1, 1)), "segment 1 follows one on 2");
  }

  @Test
  void refusesActionsThatAreNotWhole() {
    leaf(ONE, TWO);
    assertRefused(recompress(0x90, action(0, 0)), "no action 0");
    assertRefused(recompress(0x90, action(0, 5)), "no action 5");
    assertRefused(recompress(0x90, action(0, 2, new byte[7])), "where there are 7");
    assertRefused(recompress(0x90, action(0, 3, Arrays.copyOf(ONE, 9))), "where there are 9");
    assertRefused(recompress(0x90, addition(0)), "no TIDs");
    assertRefused(recompress(0x90, action(0, 4, (short) 2, new byte[6])), "data has 12 bytes");
    assertRefused(recompress(0x90, addition(0, 2050)), "that the page has");
    assertRefused(gin(0x90).data((short) 0, (byte) 0), "1 bytes follow");
    assertRefused(gin(0x90).data((short) 1), "data has 2 bytes");
    assertRefused(gin(0x90).data((byte) 1), "data has 1 bytes");
  }

  @Test
  void refusesLeavesThatAreNotWhole() {
    assertRefused(gin(0x10).initializes().main(-5, ONE), "not -5");
    assertRefused(gin(0x10).initializes().main(ONE.length + 1, ONE), "not 11");
    assertRefused(gin(0x10).initializes().main(9, new byte[9]), "no page has 9 bytes");
    assertRefused(gin(0x10).initializes().main(8154, new byte[8154]), "no page has 8154 bytes");
    leaf(ONE);
    Page.setLower(page, 41);
    assertRefused(recompress(0x90, action(0, 1)), "end at 41");
    Page.setLower(page, 24);
    assertRefused(recompress(0x90, action(0, 2, ONE)), "end at 24");
    Page.setLower(page, 40);
    assertRefused(recompress(0x90, action(0, 1)), "where there are 8");
    Page.setUpper(page, 8000);
    assertRefused(recompress(0x90, action(0, 1)), "upper bound");
  }

  @Test
  void refusesItemsThatThePageHasNot() {
    innerPage(item(20, 5), item(21, 9));
    assertRefused(insertInner(0, 1, item(21, 7)), "item 0");
    assertRefused(insertInner(3, 1, item(21, 7)), "item 3");
    assertRefused(insertInner(1, 1, new byte[9]), "9 bytes");
    assertRefused(deletePage(1, 0), "item 0");
    assertRefused(deletePage(1, 3), "item 3");
    assertRefused(deletePage(3, 1), "no block 3");
    assertRefused(recompress(0x20, action(0, 1)), "flags 1 where 3");
    GinPage.setCount(page, 815);
    assertRefused(insertInner(1, 1, item(21, 7)), "815");
    GinPage.setCount(page, 816);
    assertRefused(insertInner(1, 1, item(21, 7)), "816 items");
    assertRefused(deletePage(1, 1), "816 items");
    GinPage.initialize(page, GinPage.LEAF);
    assertRefused(deletePage(0, 1), "none of a posting tree");
    assertRefused(insertInner(1, 1, item(21, 7)), "flags 2 where 1");
  }

  private void assertRefused(Changes change, String part) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
