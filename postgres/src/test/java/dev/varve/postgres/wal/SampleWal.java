package dev.varve.postgres.wal;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The log of a real server of each version, in segments of 1 MiB, and what the server's own
/// pg_walinspect counts in it. Made once in a test run.
///
/// @param start LSN of the first byte, where a segment begins
/// @param bytes whole segments, one after the other
/// @param end where the counted part ends
/// @param rows what the server counts between the first record and `end`; none from 14
/// @param images MD5 of each page image by start LSN and block id; none from 14 and 15
record SampleWal(
    PgVersion version,
    long start,
    MemorySegment bytes,
    long end,
    List<WalStats.Row> rows,
    Map<String, String> images) {

  static final int SEGMENT_SIZE = 1 << 20;

  private static final Map<PgVersion, SampleWal> MADE = new EnumMap<>(PgVersion.class);

  static synchronized SampleWal of(PgVersion version) throws Exception {
    SampleWal made = MADE.get(version);
    if (made == null) {
      made = make(version);
      MADE.put(version, made);
    }
    return made;
  }

  WalDecoder decoder() {
    return WalDecoder.fromPage(version, SEGMENT_SIZE, start);
  }

  /// The bytes from one LSN to another.
  MemorySegment slice(long from, long to) {
    return bytes.asSlice(from - start, to - from);
  }

  private static SampleWal make(PgVersion version) throws Exception {
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(version.major()))
            .walSegmentMegabytes(SEGMENT_SIZE >> 20)
            .setting("wal_level", "logical")
            .setting("wal_keep_size", "2GB")
            .setting("min_wal_size", "2MB")
            .setting("max_prepared_transactions", "10")
            .setting("track_commit_timestamp", "on")
            .setting("checkpoint_timeout", "1h")
            .setting("autovacuum", "off")
            .start()) {
      WalWorkload.run(cluster);
      cluster.query("select pg_switch_wal()");
      // Something after the switch, so that the end is not at its place.
      cluster.execute("create table after_switch (a int)", "checkpoint");
      long end = Lsn.parse(cluster.query("select pg_current_wal_flush_lsn()")).value();
      Path directory = cluster.dataDirectory().resolve("pg_wal");
      List<SegmentName> names = segments(directory, end);
      long start = names.getFirst().start(new WalSegments(SEGMENT_SIZE));
      List<WalStats.Row> rows = version == PgVersion.V14 ? List.of() : count(cluster, start, end);
      Map<String, String> images =
          version.isAtLeast(PgVersion.V16) ? images(cluster, start, end) : Map.of();
      cluster.stop(StopMode.FAST);
      byte[] bytes = new byte[names.size() * SEGMENT_SIZE];
      for (int i = 0; i < names.size(); i++) {
        byte[] file = Files.readAllBytes(directory.resolve(names.get(i).toString()));
        System.arraycopy(file, 0, bytes, i * SEGMENT_SIZE, SEGMENT_SIZE);
      }
      return new SampleWal(version, start, MemorySegment.ofArray(bytes), end, rows, images);
    }
  }

  private static List<SegmentName> segments(Path directory, long end) throws IOException {
    var names = new ArrayList<SegmentName>();
    try (var files = Files.list(directory)) {
      files
          .flatMap(file -> SegmentName.parse(file.getFileName().toString()).stream())
          .filter(name -> name.start(new WalSegments(SEGMENT_SIZE)) <= end)
          .sorted((a, b) -> a.toString().compareTo(b.toString()))
          .forEach(names::add);
    }
    return names;
  }

  private static List<WalStats.Row> count(LocalCluster cluster, long start, long end)
      throws SQLException {
    cluster.execute("create extension if not exists pg_walinspect");
    var rows = new ArrayList<WalStats.Row>();
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement();
        var result =
            statement.executeQuery(
                "select \"resource_manager/record_type\", count, record_size, fpi_size"
                    + " from pg_get_wal_stats('"
                    + Lsn.format(start)
                    + "', '"
                    + Lsn.format(end)
                    + "', true) where count > 0")) {
      while (result.next()) {
        rows.add(
            new WalStats.Row(
                result.getString(1), result.getLong(2), result.getLong(3), result.getLong(4)));
      }
    }
    return rows;
  }

  private static Map<String, String> images(LocalCluster cluster, long start, long end)
      throws SQLException {
    Map<String, String> images = new HashMap<>();
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement();
        var result =
            statement.executeQuery(
                "select start_lsn::text || ' ' || block_id, md5(block_fpi_data)"
                    + " from pg_get_wal_block_info('"
                    + Lsn.format(start)
                    + "', '"
                    + Lsn.format(end)
                    + "') where block_fpi_length > 0")) {
      while (result.next()) {
        images.put(result.getString(1), result.getString(2));
      }
    }
    return images;
  }
}
