package dev.varve.datadir.ingest;

import static dev.varve.datadir.CraftedTimeline.TABLE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.ReplicationOrigin;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.slru.Slru;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the end of a transaction leaves.
class TransactionIngestTest {

  private static final int XACTS_PER_PAGE = 32_768;

  @TempDir Path folder;

  private static int status(CraftedTimeline crafted, int xid) {
    MemorySegment page = crafted.slruPage(crafted.now(), Slru.CLOG, Slru.CLOG.page(xid));
    return page.get(PgLayout.BYTE, Slru.statusByte(xid)) >> Slru.statusShift(xid) & 3;
  }

  @Test
  void commitsAndAbortsAreInTheCommitLog() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(Records.commit(700, 1));
      crafted.add(Records.abort(701, 2, 702, 703));
      assertThat(status(crafted, 699)).isZero();
      assertThat(status(crafted, 700)).isEqualTo(1);
      assertThat(status(crafted, 701)).isEqualTo(2);
      assertThat(status(crafted, 703)).isEqualTo(2);
      assertThat(status(crafted, 704)).isZero();
    }
  }

  @Test
  void subtransactionsMaySpanPagesOfTheCommitLog_pitfall12() throws IOException {
    int[] subtransactions = new int[70_000];
    for (int i = 0; i < subtransactions.length; i++) {
      subtransactions[i] = 30_001 + i;
    }
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(Records.commit(30_000, 1, subtransactions));
      for (int xid : new int[] {30_000, 32_767, 32_768, 65_535, 65_536, 98_303, 98_304, 100_000}) {
        assertThat(status(crafted, xid)).as("%d", xid).isEqualTo(1);
      }
      assertThat(status(crafted, 100_001)).isZero();
      assertThat(crafted.now().slruSegments(Slru.CLOG).getFirst().pages()).isEqualTo(4);
      assertThat(crafted.now().checkPoint().nextXid()).isEqualTo(100_001);
    }
  }

  @Test
  void subtransactionsMayGoOnAtTheStart_pitfall12() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextXid(0xFFFF_FFF0L))) {
      crafted.add(Records.commit(-5, 1, -4, -1, 3, 4));
      for (int xid : new int[] {-5, -4, -1, 3, 4}) {
        assertThat(status(crafted, xid)).as("%d", xid).isEqualTo(1);
      }
      assertThat(crafted.now().checkPoint().nextXid()).isEqualTo(0x1_0000_0005L);
    }
  }

  @Test
  void commitTimestampsAreKeptOnlyWhenTheServerDoes() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(Records.commit(700, 5));
      assertThat(crafted.now().slruSegments(Slru.COMMIT_TS)).isEmpty();
      crafted.add(parameters(true));
      assertThat(crafted.now().checkPoint().oldestCommitTimestampXid()).isEqualTo(701);
      crafted.add(Records.commit(818, 7, 819, 1700));
      DataDirectory view = crafted.now();
      assertThat(view.control().parameters().trackCommitTimestamp()).isTrue();
      assertThat(view.control().parameters().maxConnections()).isEqualTo(77);
      assertThat(timestamp(crafted, 818)).isEqualTo(7);
      assertThat(timestamp(crafted, 819)).isEqualTo(7);
      assertThat(timestamp(crafted, 1700)).isEqualTo(7);
      assertThat(timestamp(crafted, 700)).isZero();
      assertThat(view.checkPoint().newestCommitTimestampXid()).isEqualTo(1700);
      crafted.add(parameters(false));
      assertThat(crafted.now().slruSegments(Slru.COMMIT_TS)).isEmpty();
      assertThat(crafted.now().checkPoint().newestCommitTimestampXid()).isZero();
    }
  }

  private static long timestamp(CraftedTimeline crafted, int xid) {
    return crafted
        .slruPage(crafted.now(), Slru.COMMIT_TS, Slru.COMMIT_TS.page(xid))
        .get(PgLayout.LONG, Slru.COMMIT_TS.indexOnPage(xid) * 10L);
  }

  static CraftedRecord parameters(boolean track) {
    return new CraftedRecord(0, 0x60)
        .main(28, b -> b.putInt(77).putInt(20, 1).put(25, (byte) (track ? 1 : 0)));
  }

  @Test
  void aPreparedTransactionHasItsFileUntilItEnds_pitfall17() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextXid(0x2_0000_0300L))) {
      crafted.add(prepare(0x2FE));
      assertThat(prepared(crafted)).containsExactly(0x2_0000_02FEL);
      crafted.restart();
      crafted
          .now()
          .forEachPrepared((_, file) -> {
            assertThat(file).hasSize(96 + 4);
            assertThat(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getInt())
                .isEqualTo(0x57F9_4534);
          });
      Lsn before = crafted.timeline().lastRecordLsn();
      crafted.add(endPrepared(0x30, 0x2FE));
      assertThat(prepared(crafted)).isEmpty();
      assertThat(status(crafted, 0x2FE)).isEqualTo(1);
      List<Long> then = new ArrayList<>();
      DataDirectory.at(crafted.timeline(), before).forEachPrepared((xid, _) -> then.add(xid));
      assertThat(then).hasSize(1);
    }
  }

  @Test
  void aPreparedTransactionMayBeOfTheEpochBefore_pitfall17() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V18, c -> c.setNextXid(0x3_0000_0010L))) {
      crafted.add(prepare(0xFFFF_FFF0));
      assertThat(prepared(crafted)).containsExactly(0x2_FFFF_FFF0L);
      crafted.add(endPrepared(0x40, 0xFFFF_FFF0));
      assertThat(prepared(crafted)).isEmpty();
      assertThat(status(crafted, 0xFFFF_FFF0)).isEqualTo(2);
    }
  }

  @Test
  void before17ItsFileHasNoEpoch_pitfall17() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V16, c -> c.setNextXid(0x3_0000_0310L))) {
      crafted.add(prepare(0x300));
      assertThat(prepared(crafted)).containsExactly(0x300L);
    }
  }

  private static List<Long> prepared(CraftedTimeline crafted) {
    List<Long> xids = new ArrayList<>();
    crafted.now().forEachPrepared((xid, _) -> xids.add(xid));
    return xids;
  }

  /// As from version 15 on; its name is `x`.
  private static CraftedRecord prepare(int xid) {
    return new CraftedRecord(1, 0x10)
        .xid(xid)
        .main(
            96,
            b ->
                b.putInt(0, 0x57F9_4534)
                    .putInt(4, 100)
                    .putInt(8, xid)
                    .putShort(54, (short) 2)
                    .put(72, (byte) 'x'));
  }

  private static CraftedRecord endPrepared(int operation, int xid) {
    return new CraftedRecord(1, operation | 0x80)
        .main(16, b -> b.putLong(9).putInt(1 << 4).putInt(xid));
  }

  @Test
  void originsGoForwardUnlessForcedAndCanBeDropped() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      Lsn first = crafted.add(setOrigin(0x500, 3, false));
      assertThat(crafted.now().replicationOrigins())
          .containsExactly(new ReplicationOrigin(3, new Lsn(0x500), first));
      Lsn second = crafted.add(setOrigin(0x400, 3, false));
      assertThat(crafted.now().replicationOrigins())
          .containsExactly(new ReplicationOrigin(3, new Lsn(0x500), second));
      Lsn third = crafted.add(setOrigin(0x400, 3, true));
      assertThat(crafted.now().replicationOrigins())
          .containsExactly(new ReplicationOrigin(3, new Lsn(0x400), third));
      crafted.add(new CraftedRecord(19, 0x10).main(2, b -> b.putShort((short) 3)));
      assertThat(crafted.now().replicationOrigins()).isEmpty();
    }
  }

  private static CraftedRecord setOrigin(long lsn, int origin, boolean force) {
    return new CraftedRecord(19, 0)
        .main(16, b -> b.putLong(lsn).putShort((short) origin).put((byte) (force ? 1 : 0)));
  }

  @Test
  void aMissingPageOfTheCommitLogIsTakenForZeroes() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.write(TABLE, 0, 1);
      crafted.add(Records.commit(5 * XACTS_PER_PAGE + 1, 1));
      assertThat(status(crafted, 5 * XACTS_PER_PAGE + 1)).isEqualTo(1);
      assertThat(status(crafted, 5 * XACTS_PER_PAGE)).isZero();
      assertThat(status(crafted, 4 * XACTS_PER_PAGE)).isZero();
    }
  }
}
