package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The visibility map of a table, as the log alone has it, against the map that the server has.
class HeapVisibilityTest {

  private static final int HEAP2 = 9;
  private static final int HEAP = 10;
  private static final int VISIBLE = 0x40;
  private static final WalSegments SEGMENTS = new WalSegments(1 << 20);

  /// Bits by heap block, without the blocks that have none.
  private final SortedMap<Integer, Integer> map = new TreeMap<>();

  private final HeapVisibility visibility = new HeapVisibility();
  private int cleared;
  private int secondBlocks;
  private int onlyFrozen;
  private int referred;

  /// These minors clear the map's bits without a reference to its page.
  @ParameterizedTest
  @ValueSource(strings = {"14.24", "15.19", "16.15", "17.5", "18.1"})
  void theMapFollowsFromTheLog(String minor) throws Exception {
    assertThat(replay(minor)).isEqualTo(map).hasSizeBetween(20, 300);
    assertThat(cleared).isGreaterThan(20);
    assertThat(secondBlocks).isPositive();
    assertThat(onlyFrozen).isPositive();
    assertThat(referred).isZero();
  }

  /// These refer to the map's page: there is nothing left to clear.
  @ParameterizedTest
  @ValueSource(strings = {"17.11", "18.6"})
  void nothingIsLeftToClearWhereTheRecordNamesTheMap(String minor) throws Exception {
    replay(minor);
    assertThat(referred).isGreaterThan(20);
    assertThat(cleared).isLessThan(referred / 10);
  }

  private SortedMap<Integer, Integer> replay(String minor) throws Exception {
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(minor))
            .walSegmentMegabytes(1)
            .setting("autovacuum", "off")
            .setting("wal_keep_size", "1GB")
            .start()) {
      cluster.execute("create extension pg_visibility");
      int relation = work(cluster);
      SortedMap<Integer, Integer> real = serversMap(cluster);
      cluster.stop(StopMode.FAST);
      int major = Integer.parseInt(minor.substring(0, 2));
      readLog(PgVersion.ofMajor(major), cluster.dataDirectory().resolve("pg_wal"), relation);
      return real;
    }
  }

  private static int work(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "create table t (id int primary key, n int, t text) with (fillfactor = 80)",
        "alter table t alter column t set storage plain",
        "insert into t select i, i, repeat('x', 100) from generate_series(1, 8000) i",
        "vacuum (freeze, truncate off) t",
        "update t set n = n + 1 where id = 10", // HOT, on its page
        "update t set t = repeat('y', 4000) where id between 1000 and 1010", // to other pages
        "delete from t where id = 2000",
        "delete from t where id between 3000 and 3200",
        "vacuum (truncate off) t",
        "begin; select * from t where id = 4000 for update; commit",
        "begin; update t set n = 0 where id = 4500; select * from t where id = 4501 for share;"
            + " rollback",
        "insert into t select i, i, 'short' from generate_series(9000, 9100) i",
        "vacuum (freeze, truncate off) t",
        "update t set t = repeat('z', 2500), n = 7 where id % 400 = 0",
        "create table other as select * from t",
        "copy t from program 'seq -f \"%.0f\t1\tcopied\" 10001 10400'",
        "vacuum (truncate off) t",
        "delete from t where id = 10001 or id = 1");
    return Integer.parseInt(cluster.query("select pg_relation_filenode('t')"));
  }

  private static SortedMap<Integer, Integer> serversMap(LocalCluster cluster) throws SQLException {
    SortedMap<Integer, Integer> bits = new TreeMap<>();
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select blkno, all_visible::int + 2 * all_frozen::int from pg_visibility_map('t')"
                    + " where all_visible or all_frozen")) {
      while (row.next()) {
        bits.put(row.getInt(1), row.getInt(2));
      }
    }
    return bits;
  }

  private void readLog(PgVersion version, Path directory, int relation) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(directory)) {
      files =
          all.filter(f -> SegmentName.parse(f.getFileName().toString()).isPresent())
              .sorted()
              .toList();
    }
    SegmentName first = SegmentName.parse(files.getFirst().getFileName().toString()).orElseThrow();
    var decoder = WalDecoder.fromPage(version, SEGMENTS.size(), first.start(SEGMENTS));
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      if (!decoder.ended()) {
        decoder.feed(
            MemorySegment.ofArray(bytes), 0, bytes.length, record -> take(record, relation));
      }
    }
  }

  private void take(WalRecord record, int relation) {
    if (record.rmgr() != HEAP && record.rmgr() != HEAP2) {
      assertThat(visibility.parse(record)).isFalse();
      return;
    }
    if (record.blockCount() == 0 || record.relation(0) != relation) {
      return;
    }
    if (record.rmgr() == HEAP2 && (record.info() & 0x70) == VISIBLE) {
      int flags = record.bytes().get(BYTE, record.mainDataOffset() + 4) & 3;
      map.merge(record.block(record.findBlock(1)), flags, (a, b) -> a | b);
      assertThat(visibility.parse(record)).isFalse();
      return;
    }
    for (int i = 0; i < record.blockCount(); i++) {
      if (record.fork(i) == 2) {
        referred++;
        assertThat(visibility.parse(record)).isFalse();
        return;
      }
    }
    if (visibility.parse(record)) {
      cleared++;
      onlyFrozen += visibility.bits() == HeapVisibility.ALL_FROZEN ? 1 : 0;
      assertThat(record.relation(visibility.blockEntry())).isEqualTo(relation);
      clear(visibility.firstBlock());
      if (visibility.hasSecondBlock()) {
        secondBlocks++;
        clear(visibility.secondBlock());
      }
    }
  }

  private void clear(int block) {
    map.computeIfPresent(
        block,
        (_, bits) -> {
          int rest = bits & ~visibility.bits();
          return rest == 0 ? null : rest;
        });
  }
}
