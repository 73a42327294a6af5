package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.model.Lsn;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AbandonedRecordTest {

  private static final WalSegments SEGMENTS = new WalSegments(1 << 20);

  /// A crash that loses the file in which a long record goes on: the server that starts again gives
  /// the record up, and says so on the first page of that file.
  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void isDroppedWhereTheServerGaveItUp(int major) throws Exception {
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(major))
            .walSegmentMegabytes(1)
            .setting("wal_keep_size", "1GB")
            .start()) {
      cluster.execute("create table t as select 1 a");
      cluster.query("select pg_switch_wal()");
      cluster.execute("insert into t values (2)");
      long before = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()")).value();
      cluster.query("select pg_logical_emit_message(true, 'long', repeat('m', 1500000))");
      cluster.stop(StopMode.IMMEDIATE);
      Path directory = cluster.dataDirectory().resolve("pg_wal");
      long first = SEGMENTS.startOf(before);
      Path second = directory.resolve(SEGMENTS.nameOf(1, first + SEGMENTS.size()).toString());
      Files.delete(second);
      Files.deleteIfExists(
          directory.resolve(SEGMENTS.nameOf(1, first + 2L * SEGMENTS.size()).toString()));
      cluster.start();
      cluster.execute("insert into t values (3)");
      cluster.stop(StopMode.FAST);

      var names = new ArrayList<String>();
      var starts = new ArrayList<Long>();
      WalDecoder decoder = null;
      for (long lsn = first; decoder == null || !decoder.ended(); lsn += SEGMENTS.size()) {
        Path file = directory.resolve(SEGMENTS.nameOf(1, lsn).toString());
        MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(file));
        decoder = decoder == null ? WalDecoder.ofSegment(bytes, 0) : decoder;
        decoder.feed(
            bytes,
            0,
            bytes.byteSize(),
            record -> {
              names.add(RecordType.fullName(record.version(), record.rmgr(), record.info()));
              starts.add(record.startLsn());
            });
      }
      int named = names.indexOf("XLOG/OVERWRITE_CONTRECORD");
      assertThat(named).isPositive();
      assertThat(starts.get(named)).isEqualTo(first + SEGMENTS.size() + WalPageHeader.LONG);
      assertThat(starts.get(named - 1)).isLessThan(before);
      assertThat(names.subList(named, names.size()))
          .contains("Heap/INSERT", "Transaction/COMMIT", "XLOG/CHECKPOINT_SHUTDOWN");
      assertThat(names).doesNotContain("LogicalMessage/MESSAGE");
    }
  }
}
