package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The bytes of small SP-GiST pages after changes written by hand. Servers never write what comes
/// of a build any more, nor move an inner tuple to its parent's page but by chance: these are only
/// here.
class SpgistRedoTest extends SpgistChanges {

  @Test
  void makesALeafPage() {
    leaves(leaf(0, 4));
    assertThat(bytes(10, 14)).isEqualTo("0000" + "1c00" + "e01f" + "f81f" + "0420" + "00000000");
    assertThat(special()).isEqualTo("0400" + "0000" + "0000" + "82ff");
    assertThat(item(1)).isEqualTo(hex(leaf(0, 4)));
    assertThat(Page.lsn(page)).isEqualTo(lsn);
    byte[] nulls = Changes.bytes(YES, YES, (short) 1, (short) 0, 0, leaf(0, 4));
    apply(spgist(0x10).initializes().main(nulls));
    assertThat(special()).isEqualTo("0c00" + "0000" + "0000" + "82ff");
  }

  @Test
  void putsALeafIntoAChainBehindItsHead() {
    leaves(leaf(0xC000, 4), leaf(0, 5));
    apply(spgist(0x10).main(addLeaf(NO, 3, 1, leaf(0, 6))));
    assertThat(item(1)).as("the flags above the number stay").isEqualTo(hex(leaf(0xC003, 4)));
    assertThat(item(3)).isEqualTo(hex(leaf(0, 6)));
  }

  @Test
  void putsALeafIntoThePlaceOfADeadOne() {
    leaves(leaf(0, 4), leaf(0, 5));
    apply(vacuumLeaf(1, 0, 0, 0, 1));
    assertThat(item(1)).isEqualTo(DEAD);
    assertThat(special()).isEqualTo("0400" + "0000" + "0000" + "82ff");
    apply(spgist(0x10).main(addLeaf(NO, 1, 1, leaf(0, 6))));
    assertThat(item(1)).isEqualTo(hex(leaf(0, 6)));
    assertThat(Page.offset(Page.pointer(page, 1))).as("below all others").isEqualTo(8184 - 48);
  }

  @Test
  void pointsTheParentAtANewLeaf() {
    inners(inner(3));
    byte[] before = inner(3);
    apply(spgist(0x10).id(1).other(0, 0, 0x30009).main(addLeaf(NO, 4, 0, leaf(0, 6))));
    MemorySegment.ofArray(before).set(PgLayout.LONG, 16 + 8, 0x0008_0004_0009_0003L);
    assertThat(item(1)).isEqualTo(hex(before));
  }

  @Test
  void leavesARedirectInThePlaceOfTheFirstThatGoes() {
    leaves(leaf(0, 1), leaf(0, 2), leaf(0, 3), leaf(0, 4), leaf(0, 5));
    apply(moveLeafs(NO).other(1, 0, 9));
    assertThat(item(1)).isEqualTo(hex(leaf(0, 1)));
    assertThat(item(2)).isEqualTo(PLACEHOLDER);
    assertThat(item(3)).isEqualTo(PLACEHOLDER);
    assertThat(item(4)).isEqualTo(hex(leaf(0, 4)));
    assertThat(item(5)).isEqualTo(TO_9_4);
    assertThat(special()).isEqualTo("0400" + "0100" + "0200" + "82ff");
    assertThat(Page.upper(page)).isEqualTo(8184 - 2 * 24 - 3 * 16);
  }

  @Test
  void leavesOnlyPlaceholdersInABuild() {
    leaves(leaf(0, 1), leaf(0, 2), leaf(0, 3), leaf(0, 4), leaf(0, 5));
    apply(moveLeafs(YES).other(1, 0, 9));
    assertThat(item(5)).isEqualTo(PLACEHOLDER);
    assertThat(special()).isEqualTo("0400" + "0000" + "0300" + "82ff");
  }

  @Test
  void putsTheChainOnItsNewPageAndPointsTheParentAtIt() {
    apply(moveLeafs(NO).id(1).initializes());
    assertThat(Page.pointers(page)).isEqualTo(4);
    assertThat(item(4)).isEqualTo(hex(leaf(3, 4)));
    inners(inner(2));
    apply(moveLeafs(NO).id(2).other(1, 0, 9));
    assertThat(item(1).substring(48)).isEqualTo("0000" + "0900" + "0400" + "0800");
  }

  @Test
  void putsOneLeafOnAnotherPageForADeadOne() {
    Changes move =
        spgist(0x20)
            .main(
                (short) 1,
                YES,
                YES,
                YES,
                NO,
                (short) 1,
                (short) 1,
                (short) 0,
                XID,
                0,
                (short) 1,
                (short) 1,
                leaf(0, 7));
    apply(move.id(1).initializes());
    assertThat(item(1)).isEqualTo(hex(leaf(0, 7)));
    assertThat(special()).isEqualTo("0c00" + "0000" + "0000" + "82ff");
  }

  @Test
  void addsANodeInPlace() {
    inners(inner(1), inner(2), inner(1));
    apply(addNode(NO, -1, NO));
    assertThat(item(2)).isEqualTo(hex(inner(3)));
    assertThat(Page.offset(Page.pointer(page, 2))).isEqualTo(Page.upper(page));
  }

  @Test
  void leavesARedirectWhenTheTupleWithItsNewNodeMoves() {
    inners(inner(1), inner(2), inner(1));
    apply(addNode(NO, 2, NO).other(1, 0, 9));
    assertThat(item(2)).isEqualTo(TO_9_4);
    assertThat(special()).isEqualTo("0000" + "0100" + "0000" + "82ff");
    assertThat(item(1)).isEqualTo(hex(inner(1)));
    inners(inner(1), inner(2), inner(1));
    apply(addNode(NO, 0, YES).other(1, 0, 9));
    assertThat(item(2)).isEqualTo(PLACEHOLDER);
    assertThat(special()).isEqualTo("0000" + "0000" + "0100" + "82ff");
    assertThat(item(1)).isEqualTo(hex(inner(1)).substring(0, 32) + "00000900" + "0400" + "0800");
  }

  @Test
  void putsTheTupleOnItsNewPageWhereTheParentMayBe() {
    inners(inner(1), inner(1), inner(1));
    apply(addNode(NO, 2, NO).id(1));
    assertThat(item(4)).isEqualTo(hex(inner(3)));
    assertThat(item(1)).isEqualTo(hex(inner(1)));
    inners(inner(1), inner(1), inner(1));
    apply(addNode(NO, 1, NO).id(1));
    assertThat(item(4)).isEqualTo(hex(inner(3)));
    assertThat(item(1)).isEqualTo(hex(inner(1)).substring(0, 32) + "00000700" + "0400" + "0800");
  }

  @Test
  void pointsAParentOnAThirdPageAtTheTuple() {
    inners(inner(1));
    apply(addNode(NO, 2, NO).id(2).other(1, 0, 9));
    assertThat(item(1)).isEqualTo(hex(inner(1)).substring(0, 32) + "00000900" + "0400" + "0800");
  }

  @Test
  void splitsATupleOnOnePage() {
    inners(inner(3), inner(1));
    apply(spgist(0x40).main((short) 1, (short) 3, NO, YES, inner(1), inner(2)));
    assertThat(item(1)).isEqualTo(hex(inner(1)));
    assertThat(item(2)).isEqualTo(hex(inner(1)));
    assertThat(item(3)).isEqualTo(hex(inner(2)));
    assertThat(special()).isEqualTo("0000" + "0000" + "0000" + "82ff");
  }

  @Test
  void takesLeavesFromASplitPageAndGivesSomeBack() {
    leaves(leaf(0, 1), leaf(0, 2));
    apply(pickSplit(NO, NO, NO, 3, 1).other(2, 0, 9));
    assertThat(item(1)).isEqualTo(hex(leaf(0, 8)));
    assertThat(item(2)).isEqualTo(TO_9_4);
    assertThat(item(3)).isEqualTo(hex(leaf(0, 7)));
    assertThat(special()).isEqualTo("0400" + "0100" + "0000" + "82ff");
  }

  @Test
  void leavesOnlyPlaceholdersOnASplitPageInABuild() {
    leaves(leaf(0, 1), leaf(0, 2));
    apply(pickSplit(NO, NO, YES, 3, 1).other(2, 0, 9));
    assertThat(item(2)).isEqualTo(PLACEHOLDER);
    assertThat(special()).isEqualTo("0400" + "0000" + "0100" + "82ff");
  }

  @Test
  void makesASplitPageAnewInABuild() {
    apply(pickSplit(YES, NO, YES, 1, 2).initializes().other(2, 0, 9));
    assertThat(Page.pointers(page)).isEqualTo(2);
    assertThat(item(2)).isEqualTo(hex(leaf(0, 8)));
    assertThat(special()).isEqualTo("0400" + "0000" + "0000" + "82ff");
  }

  @Test
  void putsLeavesOfASplitPageOnTheOther() {
    apply(pickSplit(NO, NO, NO, 3, 1).id(1).initializes());
    assertThat(Page.pointers(page)).isEqualTo(1);
    assertThat(item(1)).isEqualTo(hex(leaf(0, 9)));
  }

  @Test
  void putsTheInnerTupleOverASplitPageWhereTheParentMayBe() {
    inners(inner(1), inner(1), inner(1));
    apply(pickSplit(NO, NO, NO, 3, 1).id(2));
    assertThat(item(4)).isEqualTo(hex(inner(2)));
    assertThat(item(1)).isEqualTo(hex(inner(1)));
    inners(inner(1), inner(1), inner(1));
    apply(pickSplit(NO, YES, NO, 3, 1).id(2));
    assertThat(item(1)).isEqualTo(hex(inner(1)).substring(0, 32) + "00000700" + "0400" + "0800");
    apply(pickSplit(NO, NO, NO, 3, 1).id(3).other(2, 0, 9));
    assertThat(item(1)).isEqualTo(hex(inner(1)).substring(0, 32) + "00000900" + "0400" + "0800");
  }

  @Test
  void makesARootInner() {
    byte[] main =
        Changes.bytes(
            Changes.bytes(YES, NO, (short) 0, (short) 1, NO, YES, (short) 1, YES, YES),
            Changes.bytes(NO, NO, (short) 0, (short) 0, (short) 0, XID, NO, NO, (short) 0),
            Changes.bytes((short) 1, YES, inner(1), leaf(0, 7)));
    apply(spgist(0x50).id(2).initializes().main(main));
    assertThat(item(1)).isEqualTo(hex(inner(1)));
    assertThat(special()).isEqualTo("0800" + "0000" + "0000" + "82ff");
  }

  @Test
  void movesLeavesToTheirHeadsPlaceAndChainsThemAnew() {
    leaves(leaf(2, 1), leaf(3, 2), leaf(4, 3), leaf(0, 4));
    // Item 1, the head, is dead, and item 2, too; item 3 becomes the head.
    apply(vacuumLeaf(0, 1, 1, 1, 2, 3, 1, 1, 4));
    assertThat(item(1)).isEqualTo(hex(leaf(4, 3)));
    assertThat(item(2)).isEqualTo(PLACEHOLDER);
    assertThat(item(3)).isEqualTo(PLACEHOLDER);
    assertThat(item(4)).isEqualTo(hex(leaf(0, 4)));
    assertThat(special()).isEqualTo("0400" + "0000" + "0200" + "82ff");
  }

  @Test
  void takesItemsFromARootThatIsALeaf() {
    leaves(leaf(0, 1), leaf(0, 2), leaf(0, 3));
    apply(spgist(0x70).main((short) 2, (short) 0, XID, 0, (short) 1, (short) 3));
    assertThat(Page.pointers(page)).isEqualTo(1);
    assertThat(item(1)).isEqualTo(hex(leaf(0, 2)));
  }

  @ParameterizedTest
  @CsvSource({"V15, false", "V16, true", "V18, true"})
  void endsRedirectsAndCutsPlaceholdersAtTheEnd(PgVersion version, boolean catalogFlag) {
    redirectAndPlaceholders();
    Object[] flag = catalogFlag ? new Object[] {(short) 0} : new Object[0];
    byte[] keep = Changes.bytes((short) 1, (short) 0, 700, Changes.bytes(flag), (short) 5);
    var redoOfVersion = new Redo(version);
    redoOfVersion.apply(KEY, lsn + 8, page, spgist(0x80).main(keep).build());
    String transaction = TO_9_4.substring(24);
    assertThat(item(5)).isEqualTo(PLACEHOLDER.substring(0, 24) + transaction);
    assertThat(special()).isEqualTo("0400" + "0000" + "0400" + "82ff");
    byte[] cut = Changes.bytes((short) 0, (short) 2, 700, Changes.bytes(flag));
    redoOfVersion.apply(KEY, lsn + 16, page, spgist(0x80).main(cut).build());
    assertThat(Page.pointers(page)).isEqualTo(1);
    assertThat(special()).isEqualTo("0400" + "0000" + "0000" + "82ff");
  }
}
