package dev.varve.datadir.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// WAL of PostgreSQL timelines that are not of one line never becomes one log.
class SiblingLogTest {

  private static final RelationFork TABLE = new RelationFork(1663, 5, 16384, 0);

  @TempDir private Path folder;

  private CraftedTimeline crafted() throws IOException {
    return new CraftedTimeline(folder, PgVersion.V17);
  }

  private static CraftedRecord promotion(int tli, int previous) {
    return new CraftedRecord(0, 0x90)
        .main(24, b -> b.putInt(8, tli).putInt(12, previous).putInt(16, 1));
  }

  private static CraftedRecord checkPoint(boolean shutdown, int tli, int previous) {
    var checkPoint = new CheckPoint(PgVersion.V17);
    checkPoint.setNextXid(700);
    checkPoint.setTli(tli);
    checkPoint.setPreviousTli(previous);
    return Records.checkPoint(shutdown, checkPoint);
  }

  /// Two images of a page do not fit on one page of the log.
  private static void newPage(CraftedTimeline crafted) {
    crafted.write(TABLE, 0, 1);
    crafted.write(TABLE, 0, 2);
  }

  /// By records that do nothing.
  private static void fillPage(CraftedTimeline crafted) {
    int left = 8192 - (int) (crafted.log().position() % 8192);
    for (; left > 200; left -= 128) {
      crafted.add(new CraftedRecord(0, 0x20).main(102, _ -> {}));
    }
    int last = left - 26;
    crafted.add(new CraftedRecord(0, 0x20).main(last, _ -> {}));
    assertThat(crafted.log().position() % 8192).isZero();
  }

  private static void refuses(CraftedTimeline crafted, CraftedRecord record, String why) {
    Lsn before = crafted.ingest().lastRecord();
    assertThatThrownBy(() -> crafted.add(record))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining(why);
    assertThat(crafted.timeline().lastRecordLsn()).isEqualTo(before);
  }

  @Test
  void aPromotionIsFollowed() throws IOException {
    try (var crafted = crafted()) {
      newPage(crafted);
      crafted.log().setTli(2);
      crafted.add(promotion(2, 1));
      newPage(crafted);
      assertThat(crafted.ingest().tli()).isEqualTo(2);
      crafted.log().setTli(5);
      crafted.add(checkPoint(true, 5, 2));
      newPage(crafted);
      crafted.restart();
      assertThat(crafted.ingest().tli()).isEqualTo(5);
      newPage(crafted);
    }
  }

  @Test
  void twoRecordsMayComeBeforeThePromotionsOwn() throws IOException {
    try (var crafted = crafted()) {
      crafted.write(TABLE, 0, 1);
      fillPage(crafted);
      crafted.log().setTli(2);
      crafted.add(new CraftedRecord(0, 0x80).main((byte) 1));
      assertThat(crafted.ingest().tli()).isEqualTo(2);
      crafted.add(promotion(2, 1));
      newPage(crafted);
      assertThat(crafted.now().checkPoint().previousTli()).isEqualTo(1);
    }
  }

  @Test
  void aPromotionFromAnotherPastIsRefused() throws IOException {
    try (var crafted = crafted()) {
      refuses(crafted, promotion(3, 2), "timeline 3, which has left 2, and the log so far is of 1");
    }
  }

  @Test
  void aCheckpointOfAnotherTimelineIsRefused() throws IOException {
    try (var crafted = crafted()) {
      refuses(crafted, checkPoint(false, 2, 2), "and the log so far is of 1");
    }
  }

  @Test
  void aPageOfAChildWithoutItsPromotionIsRefused() throws IOException {
    try (var crafted = crafted()) {
      crafted.log().setTli(2);
      crafted.write(TABLE, 0, 1); // From the last record's page on.
    } catch (PageserverException.DataCorrupted e) {
      assertThat(e).hasMessageContaining("no record says that the log has left 1");
      return;
    }
    throw new AssertionError("it was taken in");
  }

  @Test
  void aPageOfTheParentAfterThePromotionIsRefused() throws IOException {
    try (var crafted = crafted()) {
      crafted.write(TABLE, 0, 1);
      crafted.add(promotion(2, 1));
      refuses(
          crafted,
          new CraftedRecord(0, 0xB0).image(0, TABLE, 0, CraftedRecord.page(3)),
          "timeline 1 after 2");
    }
  }

  @Test
  void aPageOfTheParentAfterARestartIsRefused() throws IOException {
    try (var crafted = crafted()) {
      crafted.write(TABLE, 0, 1);
      crafted.add(promotion(2, 1));
      crafted.restart();
      refuses(
          crafted,
          new CraftedRecord(0, 0xB0).image(0, TABLE, 0, CraftedRecord.page(3)),
          "timeline 1 after 2");
    }
  }
}
