package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The corners of heap redo that the samples of real logs do not reach.
class HeapRedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  private static final int HEAP = 10;
  private static final int HEAP2 = 9;

  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private Redo redo = new Redo(PgVersion.V17);
  private long lsn = 0x1000;

  private void apply(Changes change) {
    lsn += 8;
    redo.apply(KEY, lsn, page, change.build());
  }

  private void insert(int number, int length, int fill) {
    byte[] tuple = new byte[length - 23];
    Arrays.fill(tuple, (byte) fill);
    Changes change =
        Changes.of(HEAP, Page.isNew(page) ? 0x80 : 0)
            .main((short) number, (byte) 0)
            .data((short) 2, (short) 0, (byte) 24, tuple);
    apply(Page.isNew(page) ? change.initializes() : change);
  }

  private int offset(int number) {
    return Page.offset(Page.pointer(page, number));
  }

  private byte fill(int number) {
    return page.get(PgLayout.BYTE, offset(number) + 24L);
  }

  @ParameterizedTest
  @CsvSource({"V14, 5", "V15, 3", "V16, 3"})
  void packsInTheOrderOfTheLinePointersAndCutsTheUnusedOnes(PgVersion version, int pointers) {
    redo = new Redo(version);
    for (int i = 1; i <= 5; i++) {
      insert(i, 100 + 8 * i, i);
    }
    // Pointer 2 is freed and used again: its new tuple lies below the others.
    apply(Changes.of(HEAP2, 0x10).main(0, (short) 0, (short) 0).data((short) 2));
    insert(2, 60, 9);
    assertThat(offset(2)).isLessThan(offset(5));
    // Now 4 and 5 go; what is left is packed as 1, 2, 3 from above.
    apply(Changes.of(HEAP2, 0x10).main(0, (short) 0, (short) 0).data((short) 4, (short) 5));
    assertThat(offset(1)).isEqualTo(8192 - 112);
    assertThat(offset(2)).isEqualTo(8192 - 112 - 64);
    assertThat(offset(3)).isEqualTo(8192 - 112 - 64 - 128);
    assertThat(List.of(fill(1), fill(2), fill(3))).containsExactly((byte) 1, (byte) 9, (byte) 3);
    assertThat(Page.upper(page)).isEqualTo(offset(3));
    assertThat(Page.pointers(page)).isEqualTo(pointers);
    assertThat(Page.lsn(page)).isEqualTo(lsn);
  }

  @ParameterizedTest
  @CsvSource({"V14, 2", "V15, 0"})
  void mayEmptyThePage(PgVersion version, int pointers) {
    redo = new Redo(version);
    insert(1, 50, 1);
    insert(2, 50, 1);
    apply(Changes.of(HEAP2, 0x10).main(0, (short) 0, (short) 0).data((short) 1, (short) 2));
    assertThat(Page.upper(page)).isEqualTo(8192);
    assertThat(Page.pointers(page)).isEqualTo(pointers);
  }

  @Test
  void vacuumKeepsOneLinePointer() {
    redo = new Redo(PgVersion.V16);
    insert(1, 50, 1);
    insert(2, 50, 1);
    apply(Changes.of(HEAP2, 0x10).main(0, (short) 0, (short) 2).data((short) 1, (short) 2));
    apply(Changes.of(HEAP2, 0x20).main((short) 2).data((short) 1, (short) 2));
    assertThat(Page.pointers(page)).isEqualTo(1);
    assertThat(Page.pointer(page, 1)).isZero();
  }

  @Test
  void marksATupleThatMovedToAnotherPartition() {
    insert(1, 50, 1);
    apply(Changes.of(HEAP, 0x10).main(701, (short) 1, (byte) 0x10, (byte) 0x10));
    int tuple = offset(1);
    assertThat(page.get(PgLayout.INT, tuple + 12L)).isEqualTo(-1);
    assertThat(page.get(PgLayout.SHORT, tuple + 16L)).isEqualTo((short) 0xFFFD);
  }

  @Test
  void takesBackASpeculativeInsertion() {
    insert(1, 50, 1);
    apply(Changes.of(HEAP, 0x10).main(701, (short) 1, (byte) 0, (byte) 0x08));
    assertThat(page.get(PgLayout.INT, offset(1))).isZero();
    assertThat(page.get(PgLayout.INT, offset(1) + 4L)).isZero();
  }

  @Test
  void remembersTheOldestTransactionToPruneAfter() {
    insert(1, 50, 1);
    insert(2, 50, 1);
    apply(Changes.of(HEAP, 0x10).xid(800).main(800, (short) 1, (byte) 0, (byte) 0));
    apply(Changes.of(HEAP, 0x10).xid(0xFFFF_FF00).main(-256, (short) 2, (byte) 0, (byte) 0));
    assertThat(Page.pruneXid(page)).isEqualTo(0xFFFF_FF00);
  }

  @Test
  void takesPrefixAndSuffixFromTheOldTuple() {
    insert(1, 24 + 10, 7);
    apply(
        Changes.of(HEAP, 0x20)
            .main(701, (short) 1, (byte) 0, (byte) 0x60, 0, (short) 2)
            .data((short) 3, (short) 2, (short) 2, (short) 0, (byte) 24, new byte[] {0, 1, 2}));
    int tuple = offset(2);
    byte[] attributes =
        page.asSlice(tuple + 24L, Page.length(Page.pointer(page, 2)) - 24L).toArray(PgLayout.BYTE);
    assertThat(attributes).containsExactly(7, 7, 7, 1, 2, 7, 7);
    assertThat(page.get(PgLayout.SHORT, offset(1) + 16L)).isEqualTo((short) 2);
  }

  @Test
  void refusesAPrefixLongerThanTheOldTuple() {
    insert(1, 24 + 10, 7);
    refused(
        Changes.of(HEAP, 0x20)
            .main(701, (short) 1, (byte) 0, (byte) 0x20, 0, (short) 2)
            .data((short) 11, (short) 2, (short) 0, (byte) 24, (byte) 0),
        "11 and 0 bytes of the old one");
  }

  @Test
  void refusesAPrefixWhenTheOldTupleIsOnAnotherPage() {
    insert(1, 24 + 10, 7);
    refused(
        Changes.of(HEAP, 0x20)
            .other(1, 0, 3)
            .main(701, (short) 1, (byte) 0, (byte) 0x20, 0, (short) 2)
            .data((short) 3, (short) 2, (short) 0, (byte) 24, (byte) 0),
        "of the old one, which has 0");
  }

  @Test
  void refusesALinePointerThatIsInUse() {
    insert(1, 50, 1);
    refused(
        Changes.of(HEAP, 0).main((short) 1, (byte) 0).data((short) 1, (short) 0, (byte) 24, 0),
        "line pointer 1, which is in use");
  }

  @Test
  void refusesALinePointerBeyondTheNext() {
    insert(1, 50, 1);
    refused(
        Changes.of(HEAP, 0).main((short) 3, (byte) 0).data((short) 1, (short) 0, (byte) 24, 0),
        "line pointer 3, the page has 1");
  }

  @Test
  void refusesATupleThatDoesNotFit() {
    insert(1, 4000, 1);
    insert(2, 4000, 1);
    refused(
        Changes.of(HEAP, 0)
            .main((short) 3, (byte) 0)
            .data((short) 1, (short) 0, (byte) 24, new byte[300]),
        "no room for an item of 323 bytes");
  }

  @Test
  void refusesToDeleteADeadTuple() {
    insert(1, 50, 1);
    insert(2, 50, 1);
    apply(Changes.of(HEAP2, 0x10).main((byte) 0, (byte) 0x44).data((short) 1, (short) 1));
    refused(
        Changes.of(HEAP, 0x10).main(701, (short) 1, (byte) 0, (byte) 0),
        "line pointer 1 of the page");
  }

  @Test
  void refusesAnInPlaceUpdateOfAnotherLength() {
    insert(1, 24 + 10, 7);
    refused(
        Changes.of(HEAP, 0x70).main((short) 1).data(new byte[9]), "9 bytes for a tuple with 10");
  }

  @Test
  void refusesAnInitBitWithoutAnInitialisedBlock() {
    insert(1, 50, 1);
    refused(
        Changes.of(HEAP, 0x80).main((short) 2, (byte) 0).data((short) 1, (short) 0, (byte) 24, 0),
        "its block is not initialised");
  }

  private void refused(Changes change, String finding) {
    assertThatThrownBy(() -> apply(change))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("Heap/")
        .hasMessageContaining("0/10")
        .hasMessageContaining(finding);
  }
}
