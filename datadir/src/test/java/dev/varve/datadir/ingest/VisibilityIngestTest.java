package dev.varve.datadir.ingest;

import static dev.varve.datadir.CraftedTimeline.MAP;
import static dev.varve.datadir.CraftedTimeline.TABLE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Bits of the visibility map that records change without naming its pages.
class VisibilityIngestTest {

  private static final int HEAP2 = 9;
  private static final int HEAP = 10;
  private static final int PER_PAGE = BlockReferences.HEAP_BLOCKS_PER_MAP_PAGE;

  @TempDir Path folder;
  private CraftedTimeline crafted;

  @BeforeEach
  void open() throws IOException {
    crafted = new CraftedTimeline(folder, PgVersion.V15);
  }

  @AfterEach
  void close() throws IOException {
    crafted.close();
  }

  /// Two map pages, all bits of which are set.
  private void allVisible() {
    byte[] page = CraftedRecord.page(-1);
    Arrays.fill(page, Page.HEADER, Page.SIZE, (byte) -1);
    for (int i = 0; i < 2; i++) {
      crafted.add(new CraftedRecord(0, 0xB0).image(0, MAP, i, page));
    }
    crafted.write(TABLE, PER_PAGE + 100, 1);
  }

  private int bits(int heapBlock) {
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    crafted.now().page(MAP, heapBlock / PER_PAGE, page);
    int at = Page.HEADER + heapBlock % PER_PAGE / 4;
    return page.get(PgLayout.BYTE, at) >> (heapBlock % 4 * 2) & 3;
  }

  private static CraftedRecord heap(int rmgr, int info, int flagsAt, int flags, int length) {
    return new CraftedRecord(rmgr, info).xid(700).main(length, b -> b.put(flagsAt, (byte) flags));
  }

  @Test
  void anInsertClearsBothBitsOfItsBlock_pitfall1() {
    allVisible();
    crafted.add(heap(HEAP, 0x00, 2, 1, 3).block(0, TABLE, 5, 0, (byte) 1));
    assertThat(bits(5)).isZero();
    assertThat(bits(4)).isEqualTo(3);
    assertThat(bits(6)).isEqualTo(3);
  }

  @Test
  void withoutTheFlagNothingIsCleared() {
    allVisible();
    crafted.add(heap(HEAP, 0x00, 2, 0, 3).block(0, TABLE, 5, 0, (byte) 1));
    assertThat(bits(5)).isEqualTo(3);
  }

  @Test
  void anUpdateClearsWhatItsFlagsSay_pitfall1() {
    allVisible();
    crafted.add(update(1, 10, 11));
    assertThat(bits(10)).as("the old tuple's").isZero();
    assertThat(bits(11)).isEqualTo(3);
    crafted.add(update(2, 12, 13));
    assertThat(bits(12)).isEqualTo(3);
    assertThat(bits(13)).as("the new tuple's").isZero();
    crafted.add(update(3, 14, 15));
    assertThat(bits(14)).isZero();
    assertThat(bits(15)).isZero();
  }

  @Test
  void anUpdateMayConcernTwoMapPages_pitfall1() {
    allVisible();
    crafted.add(update(3, 7, PER_PAGE + 7));
    assertThat(bits(7)).isZero();
    assertThat(bits(PER_PAGE + 7)).isZero();
    assertThat(bits(8)).isEqualTo(3);
  }

  private static CraftedRecord update(int flags, int oldBlock, int newBlock) {
    return heap(HEAP, 0x20, 7, flags, 14)
        .block(0, TABLE, newBlock, 0, (byte) 1)
        .block(1, TABLE, oldBlock, 0);
  }

  @Test
  void aLockClearsAllFrozenOnly_pitfall2() {
    allVisible();
    crafted.add(heap(HEAP, 0x60, 7, 1, 8).block(0, TABLE, 20, 0));
    assertThat(bits(20)).isEqualTo(1);
    crafted.add(heap(HEAP2, 0x60, 7, 1, 8).block(0, TABLE, 21, 0));
    assertThat(bits(21)).isEqualTo(1);
  }

  @Test
  void aMapPageThatIsNotThereIsSkipped_pitfall3() {
    crafted.write(TABLE, 0, 1);
    crafted.add(heap(HEAP, 0x10, 7, 1, 8).block(0, TABLE, 0, 0));
    assertThat(crafted.now().exists(MAP)).isFalse();
    allVisible();
    crafted.add(heap(HEAP, 0x10, 7, 1, 8).block(0, TABLE, 2 * PER_PAGE, 0));
    assertThat(crafted.now().blocks(MAP)).isEqualTo(2);
  }

  @Test
  void aRecordThatNamesTheMapPageClearsNothingBesides_pitfall3() {
    allVisible();
    // As newer minor versions write it; here the map page comes with an image that keeps its bits.
    byte[] page = CraftedRecord.page(-1);
    Arrays.fill(page, Page.HEADER, Page.SIZE, (byte) -1);
    crafted.add(heap(HEAP, 0x10, 7, 1, 8).block(0, TABLE, 30, 0).image(1, MAP, 0, page));
    assertThat(bits(30)).isEqualTo(3);
  }

  @Test
  void truncationClearsTheTailOfTheLastMapPage_pitfall4() {
    allVisible();
    crafted.add(Records.truncate(TABLE, PER_PAGE + 6));
    assertThat(crafted.now().blocks(MAP)).isEqualTo(2);
    assertThat(bits(PER_PAGE + 5)).isEqualTo(3);
    assertThat(bits(PER_PAGE + 6)).isZero();
    assertThat(bits(PER_PAGE + 7)).isZero();
    crafted.add(Records.truncate(TABLE, PER_PAGE));
    assertThat(crafted.now().blocks(MAP)).isEqualTo(1);
    assertThat(bits(PER_PAGE - 1)).isEqualTo(3);
    crafted.write(MAP, 1, 0);
    assertThat(bits(PER_PAGE)).as("a map page that comes back").isZero();
  }
}
