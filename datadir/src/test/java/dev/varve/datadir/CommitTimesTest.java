package dev.varve.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.ingest.Records;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// From moments to LSNs.
class CommitTimesTest {

  private static final Instant BASE = Instant.parse("2026-11-22T12:00:00Z");

  @TempDir Path folder;

  private record Commit(Lsn lsn, long micros) {}

  private static long at(double seconds) {
    return CommitTimes.micros(BASE) + Math.round(seconds * 1e6);
  }

  private static Instant moment(double seconds) {
    return CommitTimes.instant(at(seconds));
  }

  @Test
  void postgresTimesAreMicrosecondsSince2000() {
    assertThat(CommitTimes.instant(0)).isEqualTo("2000-01-01T00:00:00Z");
    assertThat(CommitTimes.instant(-1)).isEqualTo("1999-12-31T23:59:59.999999Z");
    assertThat(CommitTimes.instant(846_000_000_123_456L)).isEqualTo("2026-10-22T16:00:00.123456Z");
    assertThat(CommitTimes.micros(Instant.parse("2026-10-22T16:00:00.123456999Z")))
        .isEqualTo(846_000_000_123_456L);
    assertThat(CommitTimes.micros(Instant.MAX)).isEqualTo(Long.MAX_VALUE);
    assertThat(CommitTimes.micros(Instant.MIN)).isGreaterThan(CommitTimes.NONE);
  }

  @Test
  void aMomentIsTheLastCommitAtOrBeforeIt_pitfall34() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setTime(BASE.getEpochSecond() - 10))) {
      Lsn first = crafted.add(Records.commit(700, at(1)));
      Lsn second = crafted.add(Records.commit(701, at(2)));
      crafted.add(Records.abort(702, at(2.5)));
      crafted.write(CraftedTimeline.TABLE, 0, 1);
      Lsn third = crafted.add(Records.commit(703, at(3)));
      var times = new CommitTimes(crafted.timeline());
      assertThat(times.at(moment(1))).isEqualTo(first);
      assertThat(times.at(moment(1.999999))).isEqualTo(first);
      assertThat(times.at(moment(2))).isEqualTo(second);
      assertThat(times.at(moment(2.9))).isEqualTo(second);
      assertThat(times.at(moment(3))).isEqualTo(third);
      assertThat(times.at(moment(1e6))).as("after the last").isEqualTo(third);
      assertThat(times.of(second)).contains(moment(2));
      assertThat(times.of(new Lsn(third.value() - 1))).contains(moment(2));
      assertThat(times.of(new Lsn(first.value() - 1))).isEmpty();
      assertThat(times.first()).contains(new CommitTime(first, moment(1)));
      assertThat(times.last()).contains(new CommitTime(third, moment(3)));
    }
  }

  @Test
  void aMomentBeforeTheHistoryIsRefused_pitfall34() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setTime(BASE.getEpochSecond()))) {
      Lsn start = crafted.timeline().readableFrom();
      assertThat(new CommitTimes(crafted.timeline()).first()).isEmpty();
      assertThat(new CommitTimes(crafted.timeline()).at(moment(5))).as("no data").isEqualTo(start);
      crafted.add(Records.commit(700, at(10)));
      var times = new CommitTimes(crafted.timeline());
      assertThat(times.at(moment(5))).as("before the first commit").isEqualTo(start);
      assertThatThrownBy(() -> times.at(moment(-1)))
          .isInstanceOf(PageserverException.InvalidRequest.class)
          .hasMessageContaining("2026-11-22T12:00:00Z");
    }
  }

  @Test
  void replayThatStopsBeforeALaterCommitSeesNothingBehindIt_pitfall34() throws IOException {
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setTime(BASE.getEpochSecond()))) {
      Lsn first = crafted.add(Records.commit(700, at(10)));
      Lsn ahead = crafted.add(Records.commit(701, at(100))); // a clock that was ahead
      Lsn back = crafted.add(Records.commit(702, at(11)));
      var times = new CommitTimes(crafted.timeline());
      assertThat(times.at(moment(50))).isEqualTo(first);
      assertThat(times.at(moment(100))).isEqualTo(back);
      assertThat(times.of(ahead)).contains(moment(100));
    }
  }

  /// Against the definition, over many buckets, restarts and a branch.
  @Test
  void manyBucketsAnswerAsTheDefinitionDoes() throws IOException {
    var random = new SplittableRandom(11);
    List<Commit> commits = new ArrayList<>();
    try (var crafted =
        new CraftedTimeline(folder, PgVersion.V17, c -> c.setTime(BASE.getEpochSecond()))) {
      double time = 10;
      for (int i = 0; i < 60; i++) {
        int inStretch = random.nextInt(4);
        for (int j = 0; j < inStretch; j++) {
          time += random.nextDouble(0.1, 2);
          long micros = at(time - (random.nextInt(5) == 0 ? 5 : 0));
          commits.add(new Commit(crafted.add(Records.commit(700 + i, micros)), micros));
        }
        for (int j = 0; j < 2; j++) {
          crafted.add(new CraftedRecord(21, 0).main(1_000_000, _ -> {}));
        }
        if (i == 30) {
          crafted.restart();
        }
      }
      Timeline branch =
          crafted
              .timelines()
              .branch(crafted.timeline(), "branch", crafted.timeline().lastRecordLsn());
      for (Timeline timeline : List.of(crafted.timeline(), branch)) {
        var times = new CommitTimes(timeline);
        for (int i = 0; i < 400; i++) {
          double seconds = random.nextDouble(11, time + 3);
          assertThat(times.at(moment(seconds)))
              .as("%s s", seconds)
              .isEqualTo(expected(commits, at(seconds), crafted.timeline().readableFrom()));
        }
      }
    }
  }

  private static Lsn expected(List<Commit> commits, long target, Lsn start) {
    Lsn last = start;
    for (Commit commit : commits) {
      if (commit.micros() > target) {
        break;
      }
      last = commit.lsn();
    }
    return last;
  }
}
