package dev.varve.datadir.ingest;

import static dev.varve.datadir.CraftedTimeline.TABLE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The running checkpoint: exact after every record.
class CheckPointIngestTest {

  @TempDir Path folder;

  private static CraftedRecord by(int xid) {
    return new CraftedRecord(21, 0).xid(xid).main((byte) 1);
  }

  private static long nextXid(CraftedTimeline crafted) {
    return crafted.now().checkPoint().nextXid();
  }

  @Test
  void theNextXidIsExactAfterEveryRecord_pitfall15() throws IOException {
    record Step(Lsn lsn, long nextXid) {}
    List<Step> steps = new ArrayList<>();
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      long next = 700;
      for (int i = 0; i < 50; i++) {
        int xid = 690 + i * 7 % 40;
        next = Math.max(next, xid + 1);
        steps.add(new Step(crafted.add(by(xid)), next));
        steps.add(new Step(crafted.write(TABLE, i, i), next));
        if (i % 10 == 5) {
          steps.add(new Step(crafted.add(Records.nextOid(30_000 + i)), next));
        }
      }
      crafted.restart();
      for (Step step : steps) {
        DataDirectory view = DataDirectory.at(crafted.timeline(), step.lsn());
        assertThat(view.checkPoint().nextXid()).as("%s", step).isEqualTo(step.nextXid());
      }
      assertThat(nextXid(crafted)).isEqualTo(next);
      crafted.add(by(5000));
      assertThat(nextXid(crafted)).isEqualTo(5001);
    }
  }

  @Test
  void specialXidsAreNone_pitfall15() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextXid(0x1_8000_0005L))) {
      crafted.add(by(0));
      crafted.add(by(1));
      crafted.add(by(2));
      assertThat(nextXid(crafted)).isEqualTo(0x1_8000_0005L);
    }
  }

  @Test
  void theEpochGrowsWhenXidsStartAgain_pitfall15() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextXid(0x1_FFFF_FFFEL))) {
      crafted.add(by(-2));
      assertThat(nextXid(crafted)).isEqualTo(0x1_FFFF_FFFFL);
      crafted.add(by(-1));
      assertThat(nextXid(crafted)).isEqualTo(0x2_0000_0003L);
      crafted.add(by(-1));
      assertThat(nextXid(crafted)).as("an old one").isEqualTo(0x2_0000_0003L);
      crafted.add(by(900));
      assertThat(nextXid(crafted)).isEqualTo(0x2_0000_0385L);
    }
  }

  @Test
  void aJumpOverTheEndCountsAnEpoch_pitfall15() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextXid(0xFFFF_FFF0L))) {
      crafted.add(by(10));
      assertThat(nextXid(crafted)).isEqualTo(0x1_0000_000BL);
    }
  }

  @Test
  void nextOidIsWhatTheLogSaysLast_pitfall16() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(Records.nextOid(-8));
      assertThat(crafted.now().checkPoint().nextOid()).isEqualTo(-8);
      crafted.add(Records.nextOid(16_384 + 8192));
      assertThat(crafted.now().checkPoint().nextOid()).isEqualTo(16_384 + 8192);
    }
  }

  @Test
  void anOnlineCheckpointIsALowerBound() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(by(9000));
      crafted.add(Records.nextOid(50_000));
      var stale = new CheckPoint(PgVersion.V17);
      stale.setNextXid(800);
      stale.setNextOid(10);
      stale.setNextMulti(77);
      stale.setNextMultiOffset(78);
      stale.setOldestXid(700, 9);
      stale.setOldestMulti(40, 8);
      stale.setOldestActiveXid(750);
      stale.setTime(1_700_000_000);
      stale.setTli(1);
      stale.setPreviousTli(1);
      stale.setFullPageWrites(true);
      stale.setWalLevel(2);
      stale.setRedo(12_345);
      crafted.add(Records.checkPoint(false, stale));
      CheckPoint now = crafted.now().checkPoint();
      assertThat(now.nextXid()).isEqualTo(9001);
      assertThat(now.nextOid()).isEqualTo(50_000);
      assertThat(now.nextMulti()).isEqualTo(77);
      assertThat(now.nextMultiOffset()).isEqualTo(78);
      assertThat(now.oldestXid()).isEqualTo(700);
      assertThat(now.oldestMulti()).isEqualTo(40);
      assertThat(now.oldestActiveXid()).isEqualTo(750);
      assertThat(now.time()).isEqualTo(1_700_000_000);
      assertThat(now.walLevel()).isEqualTo(2);
      assertThat(now.redo()).isEqualTo(12_345);
      assertThat(now.fullPageWrites()).isTrue();
    }
  }

  @Test
  void aShutdownCheckpointIsRightAboutEverything() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V16)) {
      crafted.add(Records.nextOid(50_000));
      var last = new CheckPoint(PgVersion.V16);
      last.setNextXid(1000);
      last.setNextOid(40_000);
      last.setNextMulti(5);
      last.setNextMultiOffset(9);
      last.setOldestXid(699, 1);
      last.setOldestMulti(2, 1);
      last.setRedo(99);
      last.setTli(1);
      last.setPreviousTli(1);
      crafted.add(Records.checkPoint(true, last));
      assertThat(crafted.now().checkPoint()).isEqualTo(last);
    }
  }

  @Test
  void runningTransactionsTellTheNextXidAndTheOldest() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(
          new CraftedRecord(8, 0x10)
              .main(28, b -> b.putInt(1).putInt(12, 760).putInt(16, 710).putInt(20, 709)));
      assertThat(nextXid(crafted)).isEqualTo(760);
      assertThat(crafted.now().checkPoint().oldestActiveXid()).isEqualTo(710);
    }
  }

  @Test
  void settingsOfTheServerAreKept() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(new CraftedRecord(0, 0x80).main((byte) 1));
      assertThat(crafted.now().checkPoint().fullPageWrites()).isTrue();
      crafted.add(new CraftedRecord(0, 0xE0).main(4, b -> b.putInt(2)));
      assertThat(crafted.now().checkPoint().walLevel()).isEqualTo(2);
      crafted.add(
          new CraftedRecord(0, 0x90).main(24, b -> b.putInt(8, 4).putInt(12, 1).putInt(16, 1)));
      assertThat(crafted.now().checkPoint().tli()).isEqualTo(4);
      assertThat(crafted.now().checkPoint().previousTli()).isEqualTo(1);
      assertThat(crafted.now().checkPoint().walLevel()).isEqualTo(1);
    }
  }
}
