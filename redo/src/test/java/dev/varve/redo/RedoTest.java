package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What holds for the records of all resource managers.
class RedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  private static final long LSN = 0x1_0000_2000L;

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);

  @Test
  void restoresAnImageOfAnyManagerAndGivesItTheLsn() {
    page.fill((byte) 0x55);
    byte[] stored = new byte[Page.SIZE - 1000];
    MemorySegment.ofArray(stored).set(PgLayout.SHORT, 14, (short) 8000);
    stored[99] = 0x11;
    stored[100] = 0x22;
    redo.apply(KEY, LSN, page, image((byte) 130, 100, 1000, stored));
    assertThat(Page.lsn(page)).isEqualTo(LSN);
    assertThat(page.get(PgLayout.BYTE, 99)).isEqualTo((byte) 0x11);
    assertThat(page.get(PgLayout.BYTE, 100)).isEqualTo((byte) 0);
    assertThat(page.get(PgLayout.BYTE, 1099)).isEqualTo((byte) 0);
    assertThat(page.get(PgLayout.BYTE, 1100)).isEqualTo((byte) 0x22);
  }

  @Test
  void restoresAnImageWhateverTheLsnOfThePage() {
    Page.setLsn(page, LSN + 1000);
    byte[] stored = new byte[Page.SIZE];
    MemorySegment.ofArray(stored).set(PgLayout.SHORT, 14, (short) 8000);
    redo.apply(KEY, LSN, page, image((byte) 0, 0, 0, stored));
    assertThat(Page.lsn(page)).isEqualTo(LSN);
  }

  @Test
  void leavesAnImageOfZeroesZero() {
    page.fill((byte) 1);
    redo.apply(KEY, LSN, page, image((byte) 0, 0, 8192, new byte[0]));
    assertThat(page.mismatch(MemorySegment.ofArray(new byte[Page.SIZE]))).isEqualTo(-1);
  }

  @Test
  void refusesAnImageThatDoesNotFillThePage() {
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, image((byte) 0, 0, 8000, new byte[191])))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("1/2000")
        .hasMessageContaining("block 7 of relation 1663/5/16384");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0x40, 'XLOG/SWITCH at 1/2000 yet'",
    "200, 0x00, 'custom200/UNKNOWN'",
    "10, 0x30, 'Heap/TRUNCATE'",
    "9, 0x70, 'Heap2/NEW_CID'",
    "77, 0x00, 'resource manager 77'",
  })
  void saysWhatItDoesNotKnow(int rmgr, String info, String name) {
    Page.initialize(page, 0);
    MemorySegment change = Changes.of(rmgr, Integer.decode(info)).main(1L, 1L).build();
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, change))
        .isInstanceOf(PageserverException.Unsupported.class)
        .hasMessageContaining(name)
        .hasMessageContaining("block 7 of relation 1663/5/16384")
        .hasMessageContaining("next full-page image");
  }

  @Test
  void saysThatARecordIsAnExtensions() {
    Page.initialize(page, 0);
    byte[] before = page.toArray(PgLayout.BYTE);
    MemorySegment change = Changes.of(200, 0x10).main(1L).data(2L).build();
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, change))
        .isInstanceOf(PageserverException.Unsupported.class)
        .hasMessage(
            "redo does not know custom200/UNKNOWN (10) at 1/2000, whose resource manager is an"
                + " extension's; block 7 of relation 1663/5/16384 is whole again from its next"
                + " full-page image");
    assertThat(page.toArray(PgLayout.BYTE)).isEqualTo(before);
    assertThatThrownBy(() -> new Redo(PgVersion.V14).apply(KEY, LSN, page, change))
        .isInstanceOf(PageserverException.Unsupported.class)
        .hasMessageContaining("the record of resource manager 200 at 1/2000");
  }

  @Test
  void takesAHintsRecordWithoutAnImageForNothingToDo() {
    Page.initialize(page, 0);
    Page.setLsn(page, LSN - 8);
    byte[] before = page.toArray(PgLayout.BYTE);
    redo.apply(KEY, LSN, page, Changes.of(0, 0xA0).build());
    assertThat(page.toArray(PgLayout.BYTE)).isEqualTo(before);
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, Changes.of(0, 0xB0).build()))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("XLOG/FPI at 1/2000")
        .hasMessageContaining("no image");
  }

  @Test
  void doesNotGuessWhatAnUnknownRecordMakesOfAPageFromNothing() {
    MemorySegment change = Changes.of(200, 0x10).initializes().main(1L).build();
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, change))
        .isInstanceOf(PageserverException.Unsupported.class)
        .extracting(e -> ((PageserverException) e).sqlState())
        .isEqualTo("0A000");
  }

  @ParameterizedTest
  @CsvSource({"0", "11", "-1"})
  void refusesAKindThatThereIsNot(byte kind) {
    MemorySegment change = MemorySegment.ofArray(new byte[] {kind, 0, 0});
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, change))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("no kind " + kind);
  }

  @Test
  void refusesAnEmptyChange() {
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, MemorySegment.ofArray(new byte[0])))
        .isInstanceOf(PageserverException.DataCorrupted.class);
  }

  @Test
  void refusesAChangeOfANewPage() {
    MemorySegment change = Changes.of(10, 0x50).main((short) 1).build();
    assertThatThrownBy(() -> redo.apply(KEY, LSN, page, change))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("Heap/HEAP_CONFIRM at 1/2000")
        .hasMessageContaining("lower 0");
  }

  @Test
  void worksFromManyThreadsAtOnce() throws InterruptedException {
    MemorySegment change =
        Changes.of(10, 0x80)
            .initializes()
            .main((short) 1, (byte) 0)
            .data((short) 1, (short) 2, (byte) 24, new byte[30])
            .build();
    redo.apply(KEY, LSN, page, change);
    Thread[] threads = new Thread[40];
    boolean[] equal = new boolean[threads.length];
    for (int i = 0; i < threads.length; i++) {
      int place = i;
      threads[i] =
          Thread.ofVirtual()
              .start(() -> {
                boolean all = true;
                for (int round = 0; round < 2000; round++) {
                  MemorySegment own = MemorySegment.ofArray(new byte[Page.SIZE]);
                  redo.apply(KEY, LSN, own, change);
                  all &= own.mismatch(page) < 0;
                }
                equal[place] = all;
              });
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(equal).containsOnly(true);
  }

  private static MemorySegment image(byte rmgr, int hole, int holeLength, byte[] stored) {
    return MemorySegment.ofArray(
        Changes.bytes(
            (byte) 2, rmgr, (byte) 0xB0, (byte) 0, (short) hole, (short) holeLength, stored));
  }
}
