package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.model.PageserverException.Unsupported;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/// SP-GiST changes that do not fit their pages, or are damaged.
class SpgistRefusalTest extends SpgistChanges {

  @Test
  void refusesToReplaceWhatIsNoPlaceholder() {
    redirectAndPlaceholders();
    assertRefused(spgist(0x10).main(addLeaf(NO, 1, 0, leaf(0, 9))), "no placeholder");
    assertRefused(spgist(0x10).main(addLeaf(NO, 5, 0, leaf(0, 9))), "no placeholder");
    assertRefused(spgist(0x80).main((short) 1, (short) 0, 7, (short) 0, (short) 1), "no redirect");
    assertRefused(spgist(0x80).main((short) 0, (short) 2, 7, (short) 0), "no placeholder");
    assertRefused(spgist(0x80).main((short) 0, (short) 6, 7, (short) 0), "no item 6");
    assertRefused(vacuumLeaf(0, 0, 0, 1, 2, 1), "not live");
    assertRefused(spgist(0x10).main(addLeaf(NO, 1, 1, leaf(0, 9))), "not dead");
    assertRefused(spgist(0x10).main(addLeaf(NO, 2, 2, leaf(0, 9))), "not dead");
  }

  @Test
  void refusesCountsBelowNothing() {
    redirectAndPlaceholders();
    page.set(PgLayout.LONG, 8184, 0xFF82_0000_0000_0004L);
    assertRefused(spgist(0x10).main(addLeaf(NO, 2, 0, leaf(0, 9))), "-1 placeholders");
    assertRefused(spgist(0x80).main((short) 1, (short) 0, 7, (short) 0, (short) 5), "-1 redirects");
  }

  @Test
  void refusesItemsThatThePageHasNotOrThatAreNamedTwice() {
    leaves(leaf(0, 1), leaf(0, 2));
    assertRefused(vacuumLeaf(0, 1, 0, 0, 3), "item 3");
    assertRefused(vacuumLeaf(0, 1, 0, 0, 0), "item 0");
    assertRefused(vacuumLeaf(0, 3, 0, 0, 1, 2, 1), "twice");
    assertRefused(vacuumLeaf(0, 0, 1, 0, 1, 3), "item 3");
    assertRefused(vacuumLeaf(0, 2, 0, 0, 1), "18 bytes, of which 20");
    assertRefused(moveLeafs(NO).other(1, 0, 9), "item 5");
  }

  @Test
  void refusesTuplesOfAnotherLength() {
    leaves(leaf(0, 1));
    byte[] tuple = leaf(0, 1);
    assertRefused(spgist(0x10).main(addLeaf(NO, 2, 0, Changes.bytes(tuple, 1L))), "42 bytes");
    tuple[0] = 25 << 2;
    assertRefused(
        spgist(0x10).main(addLeaf(NO, 2, 0, Changes.bytes(tuple, 1L))), "leaf tuple of 25");
    tuple[0] = (byte) (32 << 2);
    assertRefused(spgist(0x10).main(addLeaf(NO, 2, 0, tuple)), "leaf tuple of 32");
    inners(inner(1));
    assertRefused(
        spgist(0x40).main((short) 1, (short) 2, NO, YES, inner(1), inner(1), 0), "are understood");
    assertRefused(spgist(0x40).main((short) 1, (short) 2, NO, YES, inner(1)), "inner tuple of 0");
  }

  @Test
  void refusesNodesThatTheParentHasNot() {
    inners(inner(1));
    assertRefused(
        spgist(0x10).id(1).other(0, 0, 9).main(addLeaf(NO, 4, 0, leaf(0, 6))), "no node 1");
    int tuple = Page.offset(Page.pointer(page, 1));
    page.set(PgLayout.INT, tuple, 5 << 3 | 8 << 16);
    assertRefused(
        spgist(0x10).id(1).other(0, 0, 9).main(addLeaf(NO, 4, 0, leaf(0, 6))), "node 1 of item 1");
    page.set(PgLayout.INT, tuple, 5 << 3 | 0xFFF8 << 16);
    assertRefused(
        spgist(0x10).id(1).other(0, 0, 9).main(addLeaf(NO, 4, 0, leaf(0, 6))), "node 0 of item 1");
  }

  @Test
  void refusesRecordsWhosePagesAreOthers() {
    leaves(leaf(0, 1));
    assertRefused(spgist(0x10).main(addLeaf(YES, 1, 0, leaf(0, 6))), "do not agree");
    assertRefused(spgist(0x10).initializes().main(addLeaf(NO, 1, 0, leaf(0, 6))), "do not agree");
    assertRefused(spgist(0x10).id(2).main(addLeaf(NO, 1, 0, leaf(0, 6))), "no block 2");
    assertRefused(addNode(NO, 0, NO).id(2).other(1, 0, 9), "no block 2");
    assertRefused(addNode(NO, 0, NO).id(2), "no block 2");
    assertRefused(spgist(0x40).id(1).main((short) 1, (short) 2, NO, YES, inner(1), inner(1)), "no");
    assertRefused(pickSplit(NO, NO, NO, 3, 1).id(4), "no block 4");
    assertRefused(moveLeafs(NO).id(3).other(1, 0, 9), "no block 3");
    assertRefused(vacuumLeaf(0, 0, 0, 0).id(1), "no block 1");
    page.set(PgLayout.SHORT, 8184, (short) 1);
    assertRefused(vacuumLeaf(0, 0, 0, 0), "none with items of an SP-GiST");
    Page.initialize(page, 8);
    assertRefused(vacuumLeaf(0, 0, 0, 0), "none with items of an SP-GiST");
  }

  @Test
  void saysWhenItDoesNotKnowTheType() {
    leaves(leaf(0, 1));
    assertThatThrownBy(() -> apply(spgist(0x00))).isInstanceOf(Unsupported.class);
  }

  private void assertRefused(Changes change, String part) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
