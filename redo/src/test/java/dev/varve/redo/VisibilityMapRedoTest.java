package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VisibilityMapRedoTest {

  private static final int PER_PAGE = 32_672;
  private static final int MAP_BLOCK = 1;
  private static final Key MAP = new Key(0, 1663, 5, 16384, 2, MAP_BLOCK);
  private static final int HEAP = 10;
  private static final int HEAP2 = 9;
  private static final long LSN = 0x5000;

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final MemorySegment change = MemorySegment.ofArray(new byte[64]);

  /// All bits of all blocks set.
  private void fill() {
    Page.initialize(page, 0);
    page.asSlice(Page.HEADER).fill((byte) 0xFF);
    Page.setLsn(page, LSN - 8);
  }

  private int bits(int heapBlock) {
    int inPage = heapBlock - PER_PAGE * MAP_BLOCK;
    return (page.get(PgLayout.BYTE, Page.HEADER + inPage / 4) >> (inPage % 4 * 2)) & 3;
  }

  private int cleared() {
    int count = 0;
    for (int i = 0; i < PER_PAGE; i++) {
      count += 2 - Integer.bitCount(bits(PER_PAGE + i));
    }
    return count;
  }

  @Test
  void setsBitsOnANewPage() {
    redo.apply(
        MAP,
        LSN,
        page,
        Changes.of(HEAP2, 0x40).other(1, 0, PER_PAGE + 6).main(900, (byte) 0x07).build());
    assertThat(bits(PER_PAGE + 6)).isEqualTo(3);
    assertThat(page.get(PgLayout.BYTE, 25)).isEqualTo((byte) 0x30);
    assertThat(Page.lower(page)).isEqualTo(24);
    assertThat(Page.lsn(page)).isEqualTo(LSN);
  }

  @Test
  void refusesABlockOfAnotherMapPage() {
    fill();
    MemorySegment visible =
        Changes.of(HEAP2, 0x40).other(1, 0, PER_PAGE - 1).main(900, (byte) 3).build();
    assertThatThrownBy(() -> redo.apply(MAP, LSN, page, visible))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("block 32671");
  }

  @ParameterizedTest
  @CsvSource({
    "10, 0x00, 000001, 3",
    "10, 0x80, 000001, 3",
    "10, 0x10, 0000000000000001, 3",
    "10, 0x60, 0000000000000001, 2",
    "9, 0x50, 01000100, 3",
    "9, 0x60, 0000000000000001, 2",
  })
  void clearsTheBitsOfTheRecordsHeapBlock(int rmgr, String info, String main, int bits) {
    fill();
    redo.apply(
        MAP,
        LSN,
        page,
        Changes.of(rmgr, Integer.decode(info))
            .id(1)
            .other(0, 0, PER_PAGE + 9)
            .main((Object) HexFormat.of().parseHex(main))
            .build());
    assertThat(bits(PER_PAGE + 9)).isEqualTo(3 & ~bits);
    assertThat(cleared()).isEqualTo(Integer.bitCount(bits));
    assertThat(Page.lsn(page)).isEqualTo(LSN);
  }

  /// Flags 1: the old tuple's page was all-visible; 2: the new one's. Old blocks by id 1, if any.
  @ParameterizedTest
  @CsvSource({
    "3, 1, 32680, -1, false, true",
    "3, 1, 32680, 32690, true, false",
    "2, 2, 32680, 32690, false, true",
    "2, 3, 32680, 32690, true, true",
    "2, 3, 32680, 100, false, true",
    "3, 3, 100, 32690, true, false",
  })
  void clearsTheBitsOfAnUpdatesBlocksThatAreOnThisPage(
      int id, byte flags, int now, int old, boolean clearsOld, boolean clearsNew) {
    fill();
    Changes update =
        Changes.of(HEAP, 0x20)
            .id(id)
            .other(0, 0, now)
            .main(1, (short) 1, (byte) 0, flags, 0, (short) 1);
    redo.apply(MAP, LSN, page, (old < 0 ? update : update.other(1, 0, old)).build());
    assertThat(cleared()).isEqualTo((clearsOld ? 2 : 0) + (clearsNew ? 2 : 0));
    if (clearsOld) {
      assertThat(bits(old)).isZero();
    }
    if (clearsNew) {
      assertThat(bits(now)).isZero();
    }
  }

  @Test
  void clearsBlocksThatNoReferenceNamesWhateverThePagesLsn() {
    fill();
    Page.setLsn(page, LSN + 100);
    int length =
        ChangeWriter.clearVisibility(
            PER_PAGE + 1, PER_PAGE + 2, ChangeWriter.ALL_FROZEN_BIT, false, change, 0);
    redo.apply(MAP, LSN, page, change.asSlice(0, length));
    assertThat(bits(PER_PAGE + 1)).isEqualTo(1);
    assertThat(bits(PER_PAGE + 2)).isEqualTo(1);
    assertThat(cleared()).isEqualTo(2);
    assertThat(Page.lsn(page)).isEqualTo(LSN + 100);
  }

  @Test
  void clearsOnANewPage() {
    int length = ChangeWriter.clearVisibility(PER_PAGE, -1, 3, false, change, 0);
    redo.apply(MAP, LSN, page, change.asSlice(0, length));
    assertThat(Page.upper(page)).isEqualTo(8192);
    assertThat(cleared()).isEqualTo(2 * PER_PAGE);
  }

  @ParameterizedTest
  @CsvSource({"0", "1", "2", "3", "4", "1000", "32671"})
  void cutsTheMapAtABlock(int kept) {
    fill();
    int length = ChangeWriter.truncateVisibility(PER_PAGE + kept, change, 0);
    redo.apply(MAP, LSN, page, change.asSlice(0, length));
    assertThat(cleared()).isEqualTo(2 * (PER_PAGE - kept));
    if (kept > 0) {
      assertThat(bits(PER_PAGE + kept - 1)).isEqualTo(3);
    }
    assertThat(bits(PER_PAGE + kept)).isZero();
    assertThat(Page.lsn(page)).isEqualTo(LSN - 8);
  }
}
