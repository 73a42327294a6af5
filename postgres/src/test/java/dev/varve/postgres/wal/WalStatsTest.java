package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.postgres.PgVersion;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WalStatsTest {

  @ParameterizedTest
  @EnumSource(names = "V14", mode = EnumSource.Mode.EXCLUDE)
  void countsWhatTheServerItselfCounts(PgVersion version) throws Exception {
    SampleWal wal = SampleWal.of(version);
    WalStats stats = stats(wal);
    assertThat(stats.rows()).containsExactlyElementsOf(wal.rows());
  }

  private static WalStats stats(SampleWal wal) {
    var stats = new WalStats(wal.version());
    WalDecoder decoder = wal.decoder();
    decoder.feed(
        wal.bytes(),
        0,
        wal.bytes().byteSize(),
        record -> {
          if (record.endLsn() <= wal.end()) {
            stats.record(record);
          }
        });
    return stats;
  }
}
