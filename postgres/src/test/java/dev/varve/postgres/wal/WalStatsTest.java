package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WalStatsTest {

  @ParameterizedTest
  @EnumSource(names = "V14", mode = EnumSource.Mode.EXCLUDE)
  void countsWhatTheServerItselfCounts(PgVersion version) throws Exception {
    SampleWal wal = SampleWal.of(version);
    WalStats stats = stats(wal);
    assertThat(stats.rows()).containsExactlyElementsOf(wal.rows());
  }

  /// What a statement says it has written: count, page images, bytes. Also of 14, which has no
  /// pg_walinspect.
  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void countsWhatAStatementHasWritten(int major) throws Exception {
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(major)).setting("autovacuum", "off").start()) {
      cluster.execute(
          "create table t (i int primary key, h int)", "create index on t using hash (h)");
      cluster.execute("insert into t select i, i from generate_series(1, 5000) i", "checkpoint");
      long before = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()")).value();
      String plan =
          cluster.query(
              "explain (analyze, wal, format json)"
                  + " insert into t select i, i % 100 from generate_series(5001, 30000) i");
      long after = Lsn.parse(cluster.query("select pg_current_wal_flush_lsn()")).value();
      Path file =
          cluster
              .dataDirectory()
              .resolve("pg_wal")
              .resolve(cluster.query("select pg_walfile_name('" + Lsn.format(before) + "')"));
      var segments = new WalSegments(WalSegments.DEFAULT_SIZE);
      assertThat(segments.startOf(after)).isEqualTo(segments.startOf(before));
      MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(file));
      var decoder = new WalDecoder(PgVersion.ofMajor(major), segments.size(), before);
      var stats = new WalStats(PgVersion.ofMajor(major));
      int[] images = new int[1];
      decoder.feed(
          bytes,
          segments.offset(before),
          after - before,
          record -> {
            boolean ofOthers =
                record.rmgr() == ResourceManager.STANDBY.id()
                    || record.rmgr() == ResourceManager.TRANSACTION.id();
            if (!ofOthers) {
              stats.record(record);
              for (int i = 0; i < record.blockCount(); i++) {
                images[0] += record.hasImage(i) ? 1 : 0;
              }
            }
          });
      assertThat(number(plan, "WAL Records")).isEqualTo(stats.total().count());
      assertThat(number(plan, "WAL FPI")).isEqualTo(images[0]).isPositive();
      assertThat(number(plan, "WAL Bytes")).isEqualTo(stats.total().bytes());
    }
  }

  private static long number(String json, String name) {
    var matcher = Pattern.compile("\"" + name + "\": (\\d+)").matcher(json);
    assertThat(matcher.find()).isTrue();
    return Long.parseLong(matcher.group(1));
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
