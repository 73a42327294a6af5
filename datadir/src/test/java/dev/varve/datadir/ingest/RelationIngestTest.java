package dev.varve.datadir.ingest;

import static dev.varve.datadir.CraftedTimeline.MAP;
import static dev.varve.datadir.CraftedTimeline.TABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Relations that come, grow, shrink and go.
class RelationIngestTest {

  private static final RelationFork FREE_SPACE = TABLE.withFork(RelationFork.FREE_SPACE_MAP);

  @TempDir Path folder;
  private CraftedTimeline crafted;

  @BeforeEach
  void open() throws IOException {
    crafted = new CraftedTimeline(folder, PgVersion.V17);
  }

  @AfterEach
  void close() throws IOException {
    crafted.close();
  }

  private int mark(int block) {
    return crafted.mark(crafted.now(), TABLE, block);
  }

  @Test
  void aCreatedForkIsEmptyAndTheOthersAreNotThere() {
    crafted.add(Records.create(TABLE));
    assertThat(crafted.now().exists(TABLE)).isTrue();
    assertThat(crafted.now().blocks(TABLE)).isZero();
    assertThat(crafted.now().exists(MAP)).isFalse();
  }

  @Test
  void creatingAgainKeepsWhatIsThere() {
    crafted.write(TABLE, 0, 1);
    crafted.add(Records.create(TABLE));
    assertThat(mark(0)).isEqualTo(1);
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
  }

  @Test
  void aRelationMayGrowByImagesAlone_pitfall8() {
    crafted.write(TABLE, 3, 33);
    DataDirectory view = crafted.now();
    assertThat(view.blocks(TABLE)).isEqualTo(4);
    assertThat(mark(3)).isEqualTo(33);
    for (int block = 0; block < 3; block++) {
      assertThat(mark(block)).isZero();
    }
    crafted.write(TABLE, 1, 11);
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(4);
    assertThat(mark(1)).isEqualTo(11);
  }

  @Test
  void blocksOfOneRecordComeInAnyOrder_pitfall8() {
    crafted.add(
        new CraftedRecord(0, 0xB0)
            .image(0, TABLE, 5, CraftedRecord.page(5))
            .image(1, TABLE, 4, CraftedRecord.page(4))
            .image(2, TABLE, 0, CraftedRecord.page(10)));
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(6);
    assertThat(mark(5)).isEqualTo(5);
    assertThat(mark(4)).isEqualTo(4);
    assertThat(mark(0)).isEqualTo(10);
    assertThat(mark(3)).isZero();
  }

  @Test
  void whatWasCutOffDoesNotComeBack_pitfall6() {
    for (int block = 0; block < 10; block++) {
      crafted.write(TABLE, block, 100 + block);
    }
    Lsn before = crafted.timeline().lastRecordLsn();
    crafted.add(Records.truncate(TABLE, 4));
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(4);
    assertThat(mark(7)).isZero();
    crafted.write(TABLE, 8, 208);
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(9);
    assertThat(mark(3)).isEqualTo(103);
    assertThat(mark(4)).isZero();
    assertThat(mark(7)).isZero();
    assertThat(mark(8)).isEqualTo(208);
    assertThat(crafted.mark(DataDirectory.at(crafted.timeline(), before), TABLE, 7)).isEqualTo(107);
  }

  @Test
  void aChangeOfABlockPastTheEndBeginsWithZeroes_pitfall6() {
    crafted.write(TABLE, 0, 1);
    crafted.write(TABLE, 1, 2);
    crafted.add(Records.truncate(TABLE, 0));
    // A record that redo does not know, so that the read shows what it was to be applied to.
    crafted.add(new CraftedRecord(130, 0).block(0, TABLE, 1, 0, (byte) 1));
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(2);
    assertThat(mark(0)).isZero();
    assertThatThrownBy(() -> mark(1)).isInstanceOf(PageserverException.Unsupported.class);
  }

  @Test
  void aDroppedRelationIsGoneAndANewOneOfItsNameIsEmpty_pitfall7() {
    crafted.write(TABLE, 0, 1);
    crafted.write(TABLE, 1, 2);
    crafted.write(MAP, 0, 3);
    Lsn before = crafted.timeline().lastRecordLsn();
    crafted.add(Records.commitDropping(701, TABLE));
    DataDirectory dropped = crafted.now();
    assertThat(dropped.exists(TABLE)).isFalse();
    assertThat(dropped.exists(MAP)).isFalse();
    assertThatThrownBy(() -> dropped.blocks(TABLE))
        .isInstanceOf(PageserverException.NotFound.class)
        .hasMessageContaining("1663/5/16384");
    assertThat(DataDirectory.at(crafted.timeline(), before).blocks(TABLE)).isEqualTo(2);

    crafted.add(Records.create(TABLE));
    assertThat(crafted.now().blocks(TABLE)).isZero();
    crafted.write(TABLE, 1, 5);
    assertThat(mark(0)).isZero();
    assertThat(mark(1)).isEqualTo(5);
    assertThat(crafted.now().exists(MAP)).isFalse();
  }

  @Test
  void truncatingNeverExtends() {
    crafted.write(TABLE, 0, 1);
    crafted.add(Records.truncate(TABLE, 9));
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
  }

  @Test
  void truncatingMakesTheFileThatABackupMissed() {
    crafted.add(Records.truncate(TABLE, 9));
    assertThat(crafted.now().blocks(TABLE)).isZero();
  }

  @Test
  void aRelationGoesOnPastOneGibibyte_pitfall9() {
    crafted.write(TABLE, 131_070, 1);
    crafted.write(TABLE, 131_073, 4);
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(131_074);
    assertThat(mark(131_070)).isEqualTo(1);
    assertThat(mark(131_071)).isZero();
    assertThat(mark(131_073)).isEqualTo(4);
    assertThat(crafted.now().databaseBytes(5)).isEqualTo(131_074L * 8192);
  }

  @Test
  void aBlockFarPastTheEndIsRefused() {
    crafted.write(TABLE, 0, 1);
    assertThatThrownBy(() -> crafted.write(TABLE, -2, 1))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("block 4294967294 of 1663/5/16384, which has 1 blocks");
    assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
  }

  @Test
  void theFreeSpaceMapForgetsBlocksThatAreGone_pitfall5() {
    crafted.write(TABLE, 9000, 1);
    for (int page = 0; page < 5; page++) {
      crafted.write(FREE_SPACE, page, 50 + page);
    }
    crafted.add(Records.truncate(TABLE, 4069 + 7)); // 7 slots of the second leaf, page 3
    DataDirectory view = crafted.now();
    assertThat(view.blocks(FREE_SPACE)).isEqualTo(4);
    assertThat(crafted.mark(view, FREE_SPACE, 2)).isEqualTo(52);
    assertThat(crafted.mark(view, FREE_SPACE, 3)).isZero();

    crafted.add(Records.truncate(TABLE, 4069)); // the first leaf whole
    assertThat(crafted.now().blocks(FREE_SPACE)).isEqualTo(3);
    assertThat(crafted.mark(crafted.now(), FREE_SPACE, 2)).isEqualTo(52);
    assertThat(StorageChanges.freeSpacePage(4069)).isEqualTo(4072);
  }

  @Test
  void mapsThatAreNotThereHaveNoBlocks() {
    crafted.write(TABLE, 0, 1);
    assertThat(crafted.now().blocks(MAP)).isZero();
    assertThat(crafted.now().blocks(FREE_SPACE)).isZero();
    assertThat(crafted.mark(crafted.now(), FREE_SPACE, 7)).isZero();
    assertThatThrownBy(() -> crafted.now().blocks(TABLE.withFork(RelationFork.INIT)))
        .isInstanceOf(PageserverException.NotFound.class);
  }

  @Test
  void pagesPastTheEndAreZero() {
    crafted.write(TABLE, 0, 1);
    assertThat(mark(1)).isZero();
    assertThat(mark(-1)).isZero();
  }

  @Test
  void aPageGetsTheEndOfItsRecordAsLsn_pitfall26() {
    Lsn lsn = crafted.write(TABLE, 2, 9);
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    crafted.now().page(TABLE, 2, page);
    assertThat(new Lsn(Page.lsn(page))).isEqualTo(lsn);
    crafted.now().page(TABLE, 1, page);
    assertThat(Page.isZero(page)).isTrue();
  }

  @Test
  void sizesOfManyRelationsAreAllRight() throws IOException {
    for (int i = 0; i < 3000; i++) {
      crafted.log().add(Records.create(new RelationFork(1663, 5, 20_000 + i, 0)));
    }
    for (int i = 0; i < 3000; i += 7) {
      crafted
          .log()
          .add(
              new CraftedRecord(0, 0xB0)
                  .image(
                      0, new RelationFork(1663, 5, 20_000 + i, 0), i % 5, CraftedRecord.page(i)));
    }
    crafted.feed();
    crafted.restart();
    DataDirectory view = crafted.now();
    for (int i = 0; i < 3000; i++) {
      assertThat(view.blocks(new RelationFork(1663, 5, 20_000 + i, 0)))
          .isEqualTo(i % 7 == 0 ? i % 5 + 1 : 0);
    }
  }
}
