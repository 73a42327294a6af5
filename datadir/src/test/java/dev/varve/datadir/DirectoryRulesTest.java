package dev.varve.datadir;

import static dev.varve.datadir.CraftedTimeline.TABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.ingest.Records;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.timeline.RetentionSettings;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What nobody asks for goes when history is dropped, and nothing else does.
class DirectoryRulesTest {

  private static final Instant BASE = Instant.parse("2026-11-22T12:00:00Z");
  private static final RelationFork OTHER = new RelationFork(1663, 5, 16400, 0);

  @TempDir Path folder;

  private record Commit(Lsn lsn, long micros) {}

  private static Instant moment(double seconds) {
    return CommitTimes.instant(CommitTimes.micros(BASE) + Math.round(seconds * 1e6));
  }

  private CraftedTimeline crafted(long horizon) throws IOException {
    var settings =
        TimelineSettings.ofMemory(64L << 20)
            .withRetention(new RetentionSettings(horizon, Duration.ZERO, Duration.ZERO));
    return new CraftedTimeline(
        new TestTimelines(folder, settings),
        PgVersion.V17,
        checkPoint -> checkPoint.setTime(BASE.getEpochSecond()));
  }

  private static int versions(Timeline timeline, Key key) {
    var count = new int[1];
    timeline.history(key, Lsn.ZERO, timeline.lastRecordLsn(), (_, _) -> count[0]++);
    return count[0];
  }

  private static void collect(Timeline timeline, BooleanSupplier done) {
    timeline.checkpoint();
    timeline.collectGarbage();
    timeline.compact();
    Instant limit = Instant.now().plusSeconds(180);
    while (!done.getAsBoolean()) {
      assertThat(Instant.now()).as("history is still there").isBefore(limit);
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void thePagesOfADroppedRelationGoAndAnotherUnderItsNumberBeginsEmpty() throws IOException {
    try (var crafted = crafted(0)) {
      Timeline timeline = crafted.timeline();
      for (int block = 0; block < 4; block++) {
        crafted.write(TABLE, block, 10 + block);
        crafted.write(OTHER, block, 20 + block);
      }
      Lsn before = timeline.lastRecordLsn();
      Timeline branch = crafted.timelines().branch(timeline, "branch", before);
      crafted.add(Records.commitDropping(700, TABLE));
      crafted.write(OTHER, 0, 30);
      Key dropped = DirectoryKeys.relationBlock(TABLE, 2);
      collect(timeline, () -> versions(timeline, DirectoryKeys.relationBlock(OTHER, 0)) == 2);
      assertThat(versions(timeline, dropped)).as("needed by the branch").isEqualTo(1);
      assertThat(crafted.mark(DataDirectory.at(branch, before), TABLE, 2)).isEqualTo(12);
      crafted.timelines().delete(branch);
      crafted.write(OTHER, 0, 31);
      collect(timeline, () -> versions(timeline, dropped) == 0);
      for (int block = 0; block < 4; block++) {
        assertThat(versions(timeline, DirectoryKeys.relationBlock(TABLE, block))).isZero();
      }
      assertThat(crafted.now().exists(TABLE)).isFalse();
      assertThat(crafted.mark(crafted.now(), OTHER, 0)).isEqualTo(31);
      assertThat(crafted.mark(crafted.now(), OTHER, 3)).isEqualTo(23);
      crafted.write(TABLE, 2, 99);
      assertThat(crafted.mark(crafted.now(), TABLE, 1)).isZero();
      assertThat(crafted.mark(crafted.now(), TABLE, 2)).isEqualTo(99);
    }
  }

  @Test
  void commitTimesOfLongBeforeGoAndTheOthersAnswerAsBefore() throws IOException {
    List<Commit> commits = new ArrayList<>();
    try (var crafted = crafted(18L << 20)) {
      Timeline timeline = crafted.timeline();
      for (int i = 0; i < 32; i++) {
        // nothing is committed for a while in between, longer than a bucket
        if (i % 16 < 8) {
          long micros = CommitTimes.micros(moment(10 * i + 10));
          commits.add(new Commit(crafted.add(Records.commit(700 + i, micros)), micros));
        }
        if (i == 14) {
          // a layer of its own, which is old as a whole later
          collect(timeline, () -> timeline.metrics().counts().bytesCompacted() > 0);
        }
        for (int j = 0; j < 2; j++) {
          crafted.add(new CraftedRecord(21, 0).main(1_000_000, _ -> {}));
        }
      }
      long first = DirectoryKeys.commitBucket(commits.getFirst().lsn().value());
      collect(timeline, () -> versions(timeline, DirectoryKeys.commitTimes(first)) == 0);
      Lsn from = timeline.readableFrom();
      assertThat(DirectoryKeys.commitBucket(from.value())).isGreaterThan(first + 1);
      var times = new CommitTimes(timeline);
      for (int seconds = 1; seconds < 340; seconds += 3) {
        check(times, commits, moment(seconds), from);
      }
    }
  }

  /// A moment before the last commit that is no longer readable has no answer.
  private static void check(CommitTimes times, List<Commit> commits, Instant moment, Lsn from) {
    Lsn last = from;
    boolean early = false;
    for (Commit commit : commits) {
      if (commit.micros() > CommitTimes.micros(moment)) {
        early = !commit.lsn().isAfter(from);
        break;
      }
      last = Lsn.max(from, commit.lsn());
    }
    if (early) {
      assertThatThrownBy(() -> times.at(moment))
          .as("%s", moment)
          .isInstanceOf(PageserverException.InvalidRequest.class)
          .hasMessageContaining("is before the history of crafted");
    } else {
      assertThat(times.at(moment)).as("%s", moment).isEqualTo(last);
    }
  }
}
