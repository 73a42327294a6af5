package dev.varve.datadir.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.SlruSegment;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.slru.MultixactMembers;
import dev.varve.postgres.slru.Slru;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Pages of SLRUs that come and go, and multixacts.
class SlruIngestTest {

  private static final int MEMBERS_PER_PAGE = 1636;
  private static final int LAST_MEMBER_PAGE = 2_625_285;

  @TempDir Path folder;

  private static List<Integer> segments(DataDirectory view, Slru slru) {
    return view.slruSegments(slru).stream().map(SlruSegment::segment).toList();
  }

  private static CraftedRecord zeroClog(long page) {
    return new CraftedRecord(3, 0).main(8, b -> b.putLong(page));
  }

  private static CraftedRecord truncateClog(long page, int oldestXid) {
    return new CraftedRecord(3, 0x10).main(16, b -> b.putLong(page).putInt(oldestXid).putInt(5));
  }

  private static int offset(CraftedTimeline crafted, int multi) {
    return crafted
        .slruPage(crafted.now(), Slru.MULTIXACT_OFFSETS, Slru.MULTIXACT_OFFSETS.page(multi))
        .get(PgLayout.INT, Slru.MULTIXACT_OFFSETS.indexOnPage(multi) * 4L);
  }

  private static int member(CraftedTimeline crafted, int offset) {
    MemorySegment page =
        crafted.slruPage(
            crafted.now(), Slru.MULTIXACT_MEMBERS, Slru.MULTIXACT_MEMBERS.page(offset));
    assertThat(page.get(PgLayout.BYTE, MultixactMembers.statusAt(offset))).isEqualTo((byte) 1);
    return page.get(PgLayout.INT, MultixactMembers.xidAt(offset));
  }

  @Test
  void aTruncatedCommitLogLosesWholeSegmentsOnBranchesToo_pitfall11() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextXid(100L * 32_768))) {
      for (int page = 0; page <= 100; page++) {
        crafted.add(zeroClog(page));
      }
      Lsn before = crafted.timeline().lastRecordLsn();
      assertThat(segments(crafted.now(), Slru.CLOG)).containsExactly(0, 1, 2, 3);
      crafted.add(truncateClog(70, 70 * 32_768));
      assertThat(segments(crafted.now(), Slru.CLOG)).containsExactly(2, 3);
      assertThat(crafted.now().checkPoint().oldestXid()).isEqualTo(70 * 32_768);
      assertThat(crafted.now().checkPoint().oldestXidDatabase()).isEqualTo(5);
      Lsn after = crafted.timeline().lastRecordLsn();
      Timeline branch = crafted.timelines().branch(crafted.timeline(), "branch", after);
      assertThat(segments(DataDirectory.at(branch, after), Slru.CLOG)).containsExactly(2, 3);
      assertThat(segments(DataDirectory.at(crafted.timeline(), before), Slru.CLOG)).hasSize(4);
    }
  }

  @Test
  void nothingIsTruncatedWhenIdsSeemToHaveWrappedAround_pitfall11() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(zeroClog(0));
      crafted.add(truncateClog(40, 40 * 32_768));
      assertThat(segments(crafted.now(), Slru.CLOG)).containsExactly(0);
    }
  }

  @Test
  void truncationGoesRoundTheCircle_pitfall11() throws IOException {
    long next = 0x1_0000_0000L + 64 * 32_768;
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextXid(next))) {
      for (int page : new int[] {131_071, 0, 31, 32, 64}) {
        crafted.add(zeroClog(page));
      }
      assertThat(segments(crafted.now(), Slru.CLOG)).containsExactly(0, 1, 2, 4095);
      crafted.add(truncateClog(32, 32 * 32_768));
      assertThat(segments(crafted.now(), Slru.CLOG)).containsExactly(1, 2);
    }
  }

  @Test
  void aPageThatCannotBeIsRefused() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      assertThatThrownBy(() -> crafted.add(zeroClog(131_072)))
          .isInstanceOf(PageserverException.DataCorrupted.class)
          .hasMessageContaining("page 131072 of pg_xact");
    }
  }

  @Test
  void pageNumbersOf16HaveFourBytes() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V16)) {
      crafted.add(new CraftedRecord(3, 0).main(4, b -> b.putInt(33)));
      assertThat(crafted.now().slruSegments(Slru.CLOG))
          .containsExactly(new SlruSegment(Slru.CLOG, 1, 2));
    }
  }

  @Test
  void aMultixactHasItsOffsetAndMembersAndTheNextOnesOffset_pitfall13() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(Records.multixact(1, 1, 800, 801, 802));
      crafted.add(Records.multixact(2, 4, 900, 901));
      assertThat(offset(crafted, 1)).isEqualTo(1);
      assertThat(offset(crafted, 2)).isEqualTo(4);
      assertThat(offset(crafted, 3)).isEqualTo(6);
      assertThat(member(crafted, 1)).isEqualTo(800);
      assertThat(member(crafted, 3)).isEqualTo(802);
      assertThat(member(crafted, 5)).isEqualTo(901);
      assertThat(crafted.now().checkPoint().nextMulti()).isEqualTo(3);
      assertThat(crafted.now().checkPoint().nextMultiOffset()).isEqualTo(6);
      assertThat(crafted.now().checkPoint().nextXid()).isEqualTo(902);
    }
  }

  @Test
  void membersMaySpanPages_pitfall13() throws IOException {
    int[] xids = new int[2 * MEMBERS_PER_PAGE];
    for (int i = 0; i < xids.length; i++) {
      xids[i] = 1000 + i;
    }
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(Records.multixact(7, MEMBERS_PER_PAGE - 3, xids));
      for (int i = 0; i < xids.length; i++) {
        assertThat(member(crafted, MEMBERS_PER_PAGE - 3 + i)).isEqualTo(xids[i]);
      }
      assertThat(crafted.now().slruSegments(Slru.MULTIXACT_MEMBERS).getFirst().pages())
          .isEqualTo(3);
    }
  }

  @Test
  void offsetsOfTwoPagesAreBothWritten_pitfall13() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextMulti(2047))) {
      crafted.add(Records.multixact(2047, 100, 800, 801));
      assertThat(offset(crafted, 2047)).isEqualTo(100);
      assertThat(offset(crafted, 2048)).isEqualTo(102);
      // The page was made for that entry; the record that makes it comes later, and must not wipe
      // it.
      crafted.add(new CraftedRecord(6, 0).main(8, b -> b.putLong(1)));
      assertThat(offset(crafted, 2048)).isEqualTo(102);
      crafted.restart();
      crafted.add(Records.multixact(2048, 102, 900, 901));
      assertThat(offset(crafted, 2049)).isEqualTo(104);
      assertThat(offset(crafted, 2048)).isEqualTo(102);
    }
  }

  @Test
  void aPageOfOffsetsOfAnOlderRoundBecomesZero() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextMulti(2040))) {
      crafted.add(Records.multixact(4100, 5, 800)); // leaves something on page 2
      crafted.add(new CraftedRecord(6, 0).main(8, b -> b.putLong(1)));
      assertThat(offset(crafted, 2048)).isZero();
    }
  }

  @Test
  void offsetsAndMembersGoOnAtTheStart_pitfall14() throws IOException {
    try (var crafted =
        new CraftedTimeline(
            folder,
            PgVersion.V17,
            c -> {
              c.setNextMulti(-1);
              c.setNextMultiOffset(-2);
            })) {
      crafted.add(Records.multixact(-1, -2, 800, 801, 802, 803));
      assertThat(offset(crafted, -1)).isEqualTo(-2);
      assertThat(offset(crafted, 1)).isEqualTo(2);
      assertThat(member(crafted, -2)).isEqualTo(800);
      assertThat(member(crafted, -1)).isEqualTo(801);
      assertThat(member(crafted, 0)).isEqualTo(802);
      assertThat(member(crafted, 1)).isEqualTo(803);
      assertThat(crafted.now().checkPoint().nextMulti()).isEqualTo(1);
      assertThat(crafted.now().checkPoint().nextMultiOffset()).isEqualTo(2);
      assertThat(segments(crafted.now(), Slru.MULTIXACT_MEMBERS))
          .containsExactly(0, LAST_MEMBER_PAGE / 32);
    }
  }

  @Test
  void truncatedMembersMayGoRoundTheCircle_pitfall14() throws IOException {
    assertThat(Slrus.isBetween(82_040, 82_039, 1)).isTrue();
    assertThat(Slrus.isBetween(0, 82_039, 1)).isTrue();
    assertThat(Slrus.isBetween(1, 82_039, 1)).isFalse();
    assertThat(Slrus.isBetween(5, 5, 5)).isFalse();
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      for (int page : new int[] {0, 40, 70, LAST_MEMBER_PAGE}) {
        crafted.add(new CraftedRecord(6, 0x10).main(8, b -> b.putLong(page)));
      }
      assertThat(segments(crafted.now(), Slru.MULTIXACT_MEMBERS))
          .containsExactly(0, 1, 2, LAST_MEMBER_PAGE / 32);
      crafted.add(truncateMultixacts(100, 3000, -5, 35 * MEMBERS_PER_PAGE));
      assertThat(segments(crafted.now(), Slru.MULTIXACT_MEMBERS)).containsExactly(1, 2);
      assertThat(crafted.now().checkPoint().oldestMulti()).isEqualTo(3000);
      assertThat(crafted.now().checkPoint().oldestMultiDatabase()).isEqualTo(5);
    }
  }

  @Test
  void truncatedOffsetsGo() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setNextMulti(100 * 2048))) {
      for (int page : new int[] {5, 35, 66, 100}) {
        crafted.add(new CraftedRecord(6, 0).main(8, b -> b.putLong(page)));
      }
      crafted.add(truncateMultixacts(1, 64 * 2048 + 1, 1, 2));
      assertThat(segments(crafted.now(), Slru.MULTIXACT_OFFSETS)).containsExactly(2, 3);
    }
  }

  private static CraftedRecord truncateMultixacts(
      int multiStart, int multiEnd, int memberStart, int memberEnd) {
    return new CraftedRecord(6, 0x30)
        .main(
            20,
            b ->
                b.putInt(5)
                    .putInt(multiStart)
                    .putInt(multiEnd)
                    .putInt(memberStart)
                    .putInt(memberEnd));
  }

  @Test
  void truncatedCommitTimestampsGo() throws IOException {
    try (var crafted =
        new CraftedTimeline(
            folder,
            PgVersion.V17,
            c -> {
              c.setNextXid(100 * 819);
              c.setOldestCommitTimestampXid(10);
              c.setNewestCommitTimestampXid(99 * 819);
            })) {
      for (long page : new long[] {0, 40, 99}) {
        crafted.add(new CraftedRecord(18, 0).main(8, b -> b.putLong(page)));
      }
      crafted.add(new CraftedRecord(18, 0x10).main(12, b -> b.putLong(45).putInt(45 * 819)));
      assertThat(segments(crafted.now(), Slru.COMMIT_TS)).containsExactly(1, 3);
      assertThat(crafted.now().checkPoint().oldestCommitTimestampXid()).isEqualTo(45 * 819);
    }
  }
}
