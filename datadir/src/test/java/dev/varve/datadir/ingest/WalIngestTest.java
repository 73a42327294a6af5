package dev.varve.datadir.ingest;

import static dev.varve.datadir.CraftedTimeline.TABLE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.CraftedLog;
import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.TestTimelines;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The stream of the log into a timeline: pieces, gaps, restarts, records that can't be taken in.
class WalIngestTest {

  @TempDir Path folder;

  private static CraftedRecord image(int block, int mark) {
    return new CraftedRecord(0, 0xB0).image(0, TABLE, block, CraftedRecord.page(mark));
  }

  @Test
  void anyPiecesMakeTheSameDirectory() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      for (int i = 0; i < 200; i++) {
        crafted.log().add(image(i, i + 1));
      }
      long at = crafted.ingest().position().value();
      byte[] bytes = crafted.log().since(at);
      var random = new SplittableRandom(5);
      MemorySegment all = MemorySegment.ofArray(bytes);
      for (int done = 0; done < bytes.length; ) {
        int length = Math.min(bytes.length - done, random.nextInt(1, 30_000));
        crafted.ingest().feed(at + done, all, done, length);
        done += length;
      }
      assertThat(crafted.timeline().lastRecordLsn().value()).isEqualTo(crafted.log().position());
      for (int i = 0; i < 200; i++) {
        assertThat(crafted.mark(crafted.now(), TABLE, i)).isEqualTo(i + 1);
      }
    }
  }

  @Test
  void whatWasTakenInIsSkippedAndAGapIsAnError() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      Lsn first = crafted.write(TABLE, 0, 1);
      long start = crafted.log().position() - crafted.log().since(0x300000).length;
      crafted.log().add(image(1, 2));
      byte[] all = crafted.log().since(start);
      crafted.ingest().feed(start, MemorySegment.ofArray(all), 0, all.length);
      crafted.ingest().feed(start, MemorySegment.ofArray(all), 0, all.length);
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(2);
      assertThat(crafted.timeline().lastRecordLsn()).isGreaterThan(first);
      long position = crafted.ingest().position().value();
      assertThatThrownBy(
              () -> crafted.ingest().feed(position + 8, MemorySegment.ofArray(all), 0, 8))
          .isInstanceOf(PageserverException.InvalidRequest.class)
          .hasMessageContaining(crafted.ingest().position().toString());
      crafted.write(TABLE, 2, 3);
      assertThat(crafted.mark(crafted.now(), TABLE, 2)).isEqualTo(3);
    }
  }

  @Test
  void aRestartGoesOnWhereTheDiskIs() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      for (int i = 0; i < 20; i++) {
        crafted.write(TABLE, i, i + 1);
        crafted.add(Records.commit(700 + i, i));
        if (i % 6 == 5) {
          crafted.restart();
          assertThat(crafted.ingest().position()).isEqualTo(crafted.timeline().lastRecordLsn());
        }
      }
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(20);
      assertThat(crafted.now().checkPoint().nextXid()).isEqualTo(720);
    }
  }

  @Test
  void aRecordTooLargeForTheMemoryIsNamedAndNotGathered() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.log().add(image(0, 1));
      long good = crafted.log().position();
      long at = crafted.ingest().position().value();
      crafted.log().add(image(1, 2));
      MemorySegment bytes = MemorySegment.ofArray(crafted.log().since(at));
      int huge = WalIngest.LARGEST_RECORD + 1;
      bytes.set(ValueLayout.JAVA_INT_UNALIGNED, good - at, huge);
      assertThatThrownBy(() -> crafted.ingest().feed(at, bytes, 0, bytes.byteSize()))
          .isInstanceOf(PageserverException.Unsupported.class)
          .hasMessage(
              "WAL at %s: a record of %d bytes, where there is room for %d; restart varve serve with --memory %dMiB or more",
              new Lsn(good), huge, WalIngest.LARGEST_RECORD, (huge >> 20) * 16 + 32 + 256);
      assertThat(crafted.timeline().lastRecordLsn().value()).isEqualTo(good);
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
    }
  }

  @Test
  void aRecordThatCannotBeTakenInStopsEverythingAfterIt() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.log().add(image(0, 1));
      long good = crafted.log().position();
      crafted.log().add(new CraftedRecord(2, 0x10).main((byte) 1, (byte) 2)); // too short
      crafted.log().add(image(1, 2));
      assertThatThrownBy(crafted::feed)
          .isInstanceOf(PageserverException.DataCorrupted.class)
          .hasMessageContaining("Storage")
          .hasMessageContaining("can't be taken into crafted");
      assertThat(crafted.timeline().lastRecordLsn().value()).isEqualTo(good);
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
      assertThatThrownBy(() -> crafted.ingest().feed(good, MemorySegment.NULL, 0, 0))
          .isInstanceOf(PageserverException.DataCorrupted.class);
      crafted.reopen();
      assertThat(crafted.ingest().position().value()).isEqualTo(good);
      assertThatThrownBy(crafted::feed).isInstanceOf(PageserverException.DataCorrupted.class);
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
    }
  }

  @Test
  void halfOfARecordThatFailsIsNeverSeen() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.write(TABLE, 0, 1);
      long good = crafted.log().position();
      crafted
          .log()
          .add(
              new CraftedRecord(0, 0xB0)
                  .image(0, TABLE, 1, CraftedRecord.page(2))
                  .image(1, TABLE, -3, CraftedRecord.page(3)));
      assertThatThrownBy(crafted::feed).isInstanceOf(PageserverException.DataCorrupted.class);
      crafted.restart();
      assertThat(crafted.timeline().lastRecordLsn().value()).isEqualTo(good);
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
    }
  }

  @Test
  void damagedBytesAreAnErrorWithTheirPlace() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.log().add(image(0, 1));
      long at = crafted.ingest().position().value();
      byte[] bytes = crafted.log().since(at);
      bytes[5000] ^= 1;
      assertThatThrownBy(
              () -> crafted.ingest().feed(at, MemorySegment.ofArray(bytes), 0, bytes.length))
          .isInstanceOf(PageserverException.DataCorrupted.class)
          .hasMessageStartingWith("WAL at 0/300028");
    }
  }

  @Test
  void blocksOfUnknownManagersAreStoredAndFailUntilAnImageComes() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.write(TABLE, 0, 1);
      Lsn before = crafted.timeline().lastRecordLsn();
      crafted.add(new CraftedRecord(200, 0x20).block(0, TABLE, 0, 0, (byte) 1));
      assertThatThrownBy(() -> crafted.mark(crafted.now(), TABLE, 0))
          .isInstanceOf(PageserverException.Unsupported.class)
          .hasMessageContaining("custom200");
      assertThat(crafted.mark(DataDirectory.at(crafted.timeline(), before), TABLE, 0)).isEqualTo(1);
      crafted.write(TABLE, 0, 3);
      assertThat(crafted.mark(crafted.now(), TABLE, 0)).isEqualTo(3);
    }
  }

  @Test
  void recordsOfExtensionsWorkByTheirImagesAndPassWithoutBlocks() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(new CraftedRecord(200, 0x10).image(0, TABLE, 0, CraftedRecord.page(5)));
      assertThat(crafted.mark(crafted.now(), TABLE, 0)).isEqualTo(5);
      Lsn end = crafted.add(new CraftedRecord(255, 0x30).main((byte) 1, (byte) 2));
      assertThat(crafted.timeline().lastRecordLsn()).isEqualTo(end);
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
      assertThat(crafted.mark(crafted.now(), TABLE, 0)).isEqualTo(5);
    }
  }

  @Test
  void afterASwitchTheNextRecordIsInTheNextSegment_pitfall24() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.write(TABLE, 0, 1);
      crafted.add(new CraftedRecord(0, 0x40));
      long next = 4L * CraftedLog.SEGMENT_SIZE;
      assertThat(crafted.timeline().lastRecordLsn()).isEqualTo(new Lsn(next));
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
    }
  }

  @Test
  void recordsMayBeginAtAPageBoundary_pitfall25() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      // Main data so long that the record ends with its page.
      long left = 8192 - crafted.log().position() % 8192;
      int header = crafted.log().position() % CraftedLog.SEGMENT_SIZE == 0 ? 40 : 0;
      int length = (int) left - header - 24 - 5;
      Lsn end = crafted.add(new CraftedRecord(21, 0).main(length, _ -> {}));
      assertThat(end.value() % 8192).isZero();
      assertThat(crafted.timeline().lastRecordLsn()).isEqualTo(end);
      crafted.restart();
      crafted.write(TABLE, 0, 1);
      assertThat(crafted.now().blocks(TABLE)).isEqualTo(1);
    }
  }

  @Test
  void theEndOfABackupIsSeen() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      Lsn start = new Lsn(0x123456);
      assertThat(crafted.ingest().backupEnd(start)).isEmpty();
      Lsn end = crafted.add(new CraftedRecord(0, 0x50).main(8, b -> b.putLong(start.value())));
      assertThat(crafted.ingest().backupEnd(start)).contains(end);
      assertThat(crafted.ingest().backupEnd(new Lsn(1))).isEmpty();
    }
  }

  @Test
  void thereIsOneWriterAndItNeedsADirectory() throws IOException {
    try (var crafted = new CraftedTimeline(folder.resolve("a"), PgVersion.V17);
        var timelines = new TestTimelines(folder.resolve("b"))) {
      assertThatThrownBy(() -> new WalIngest(crafted.timeline()))
          .isInstanceOf(PageserverException.Conflict.class);
      Timeline empty = timelines.create("empty", PgVersion.V17, new Lsn(0x100_0000));
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> new WalIngest(empty))
            .isInstanceOf(PageserverException.InvalidRequest.class)
            .hasMessageContaining("no data directory");
      }
    }
  }

  @Test
  void aBranchSeesWhatItsAncestorHadAndNoMore_pitfall10() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.write(TABLE, 0, 1);
      crafted.write(TABLE, 1, 2);
      Lsn at = crafted.timeline().lastRecordLsn();
      crafted.add(Records.truncate(TABLE, 0));
      crafted.write(TABLE, 9, 10);
      Timeline branch = crafted.timelines().branch(crafted.timeline(), "then", at);
      var then = DataDirectory.at(branch, at);
      var now = crafted.now();
      RelationFork other = new RelationFork(1663, 5, 99, 0);
      for (int i = 0; i < 3; i++) {
        assertThat(then.blocks(TABLE)).isEqualTo(2);
        assertThat(now.blocks(TABLE)).isEqualTo(10);
        assertThat(crafted.mark(then, TABLE, 1)).isEqualTo(2);
        assertThat(crafted.mark(now, TABLE, 1)).isZero();
        assertThat(now.exists(other)).isFalse();
      }
      crafted.write(other, 0, 1);
      assertThat(crafted.now().exists(other)).isTrue();
      assertThat(now.exists(other)).as("a view stays as it is").isFalse();
    }
  }
}
