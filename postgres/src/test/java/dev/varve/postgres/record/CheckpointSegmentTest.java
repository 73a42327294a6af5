package dev.varve.postgres.record;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalSegments;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CheckpointSegmentTest {

  private static final WalSegments SEGMENTS = new WalSegments(1 << 20);
  private static final long SYSTEM = 0x6B03_4AF7_7C65_1F85L;

  private static CheckPoint checkPoint(PgVersion version, long lsn) {
    var checkPoint = new CheckPoint(version);
    checkPoint.setRedo(lsn);
    checkPoint.setTli(3);
    checkPoint.setPreviousTli(3);
    checkPoint.setNextXid(0x1_0000_02F0L);
    return checkPoint;
  }

  @ParameterizedTest
  @CsvSource({
    "0x100000, 0x100028", // behind the long header
    "0x100001, 0x100028",
    "0x100028, 0x100028",
    "0x100029, 0x100030",
    "0x102000, 0x102018", // behind the short header
    "0x102010, 0x102018",
    "0x103F88, 0x103F88", // 120 bytes are left: it fits
    "0x103F8E, 0x104018", // 112 after alignment: it does not
    "0x103FF9, 0x104018",
    "0x1FFFF8, 0x200028", // in the next segment
  })
  void placesTheRecordOnOnePage(String from, String to) {
    assertThat(CheckpointSegment.place(Long.decode(from), SEGMENTS)).isEqualTo(Long.decode(to));
  }

  @Test
  void refusesAPlaceThatIsNone() {
    for (long lsn : new long[] {0x100000, 0x100030 + 4, 0x103F90, 0x102000}) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> new CheckpointSegment(checkPoint(PgVersion.V17, lsn), SYSTEM, SEGMENTS, 0));
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            new CheckpointSegment(checkPoint(PgVersion.V17, 0x100028), SYSTEM, SEGMENTS, 0x100028));
  }

  /// The record that 14.24 wrote when it was stopped, from the log.
  @Test
  void writesTheBytesThatAServerWrites() {
    RecordCorpus real =
        RecordCorpus.of(PgVersion.V14).stream()
            .filter(record -> record.rmgr() == 0 && record.info() == 0)
            .findFirst()
            .orElseThrow();
    CheckPoint checkPoint = CheckPoint.read(PgVersion.V14, real.data(), 0);
    var segments = new WalSegments(16 << 20);
    var segment = new CheckpointSegment(checkPoint, SYSTEM, segments, 0);
    byte[] page = new byte[8192];
    segment.page(segments.offset(checkPoint.redo()) / 8192, MemorySegment.ofArray(page));
    long at = checkPoint.redo() % 8192;
    assertThat(MemorySegment.ofArray(page).asSlice(at + 26, 88).mismatch(real.data()))
        .isEqualTo(-1);
    assertThat(MemorySegment.ofArray(page).asSlice(at, 20).toArray(JAVA_BYTE))
        .asHexString()
        .isEqualTo("72000000" + "00000000" + "0000000000000000" + "00000000");
    assertThat(MemorySegment.ofArray(page).asSlice(at + 24, 2).toArray(JAVA_BYTE))
        .asHexString()
        .isEqualTo("FF58");
  }

  /// Our decoder checks page headers, links and checksums as a server does.
  @ParameterizedTest
  @EnumSource
  void isFoundByWhoeverReadsTheSegmentFromItsStart(PgVersion version) {
    var random = new SplittableRandom(version.major());
    for (int i = 0; i < 40; i++) {
      long lsn = CheckpointSegment.place(random.nextLong(1L << 40), SEGMENTS);
      var segment = new CheckpointSegment(checkPoint(version, lsn), SYSTEM, SEGMENTS, lsn - 8);
      byte[] bytes = segment.toBytes();
      assertThat(bytes).hasSize(SEGMENTS.size());
      List<Long> found = new ArrayList<>();
      var decoder = WalDecoder.fromPage(version, SEGMENTS.size(), SEGMENTS.startOf(lsn));
      decoder.expectSystemId(SYSTEM);
      decoder.feed(
          MemorySegment.ofArray(bytes),
          0,
          bytes.length,
          record -> {
            found.add(record.startLsn());
            assertThat(record.endLsn()).isEqualTo(segment.endLsn());
            assertThat(record.previousLsn()).isEqualTo(lsn - 8);
            assertThat(XlogRecord.read(record))
                .isEqualTo(new XlogRecord.Checkpoint(true, checkPoint(version, lsn)));
          });
      assertThat(found).as("from seed %d, the %d.", version.major(), i).containsExactly(lsn);
      assertThat(segment.name()).isEqualTo(SEGMENTS.nameOf(3, lsn));
    }
  }
}
