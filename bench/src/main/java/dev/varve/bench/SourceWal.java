package dev.varve.bench;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Tpcb;
import dev.varve.cluster.Trees;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// A stopped PostgreSQL 15: its data directory before a load, and the WAL that the load made after.
///
/// @param base a copy of the data directory after a clean stop, before the load
/// @param wal the segments from the base's checkpoint on, copied after the load
/// @param start where the load's WAL begins
/// @param end where it ends
record SourceWal(Path base, Path wal, Lsn start, Lsn end) {

  /// Which work makes the WAL.
  enum Work {
    /// Rows of 64 bytes, one INSERT each, in large transactions.
    SMALL_INSERTS,
    /// TPC-B-like transactions after a checkpoint: full-page images above all.
    BANK,
    /// Rows of 4 bytes, one INSERT each, into the same pages again and again: what was inserted is
    /// rolled back and vacuumed away.
    REFILLS,
    /// Updates of the same rows of 100 bytes, which stay on their pages.
    UPDATES,
    /// Rows with an index, inserted in random order into the same pages again and again.
    INDEX_INSERTS,
    /// TPC-B-like transactions, with an image of each page after each record, for it to be checked.
    CHECKED_BANK
  }

  static SourceWal make(Path folder, Work work) throws Exception {
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(15))
            .setting("max_wal_size", "16GB")
            .setting("wal_keep_size", "16GB")
            .setting("autovacuum", "off")
            .setting("synchronous_commit", "off")
            .setting("wal_consistency_checking", work == Work.CHECKED_BANK ? "all" : "")
            .start()) {
      prepare(cluster, work);
      cluster.stop(StopMode.FAST);
      Path base = folder.resolve("base");
      copy(cluster.dataDirectory(), base);
      cluster.start();
      Lsn start = Lsn.parse(cluster.query("SELECT pg_current_wal_insert_lsn()"));
      run(cluster, work);
      Lsn end = Lsn.parse(cluster.query("SELECT pg_current_wal_insert_lsn()"));
      cluster.execute("SELECT pg_switch_wal()");
      cluster.kill();
      Path wal = folder.resolve("wal");
      Files.createDirectories(wal);
      for (Path segment : segments(cluster.dataDirectory().resolve("pg_wal"))) {
        Files.copy(segment, wal.resolve(segment.getFileName()));
      }
      return new SourceWal(base, wal, start, end);
    }
  }

  private static void prepare(LocalCluster cluster, Work work) throws Exception {
    switch (work) {
      case SMALL_INSERTS -> cluster.execute("CREATE TABLE rows (id bigint, filler text)");
      case REFILLS ->
          cluster.execute(
              "CREATE TABLE rows AS SELECT i::int AS id FROM generate_series(1, 11300) i",
              // One that stays on each page: PostgreSQL makes an empty one anew.
              "DELETE FROM rows WHERE id % 226 <> 0",
              "VACUUM rows");
      case UPDATES ->
          cluster.execute(
              "CREATE TABLE rows (id int, n int, filler text) WITH (fillfactor = 30)",
              "INSERT INTO rows SELECT i, 0, repeat('x', 60) FROM generate_series(1, 1000) i");
      case INDEX_INSERTS ->
          cluster.execute(
              "CREATE TABLE rows AS SELECT i * 1000 AS id FROM generate_series(1, 4000) i",
              "CREATE INDEX ON rows (id) WITH (fillfactor = 40)");
      case BANK, CHECKED_BANK -> {
        try (Connection connection = cluster.connect()) {
          new Tpcb(10, 100_000).initialize(connection);
        }
      }
    }
    cluster.execute("CHECKPOINT");
  }

  private static void run(LocalCluster cluster, Work work) throws Exception {
    switch (work) {
      case SMALL_INSERTS ->
          cluster.execute(
              "DO $$ BEGIN FOR i IN 1..1500000 LOOP"
                  + " INSERT INTO rows VALUES (i, repeat('x', 24)); END LOOP; END $$");
      case REFILLS -> refill(cluster, 60, "SELECT i FROM generate_series(1, 11000) i");
      case UPDATES -> {
        try (Connection connection = cluster.connect();
            Statement statement = connection.createStatement()) {
          for (int i = 0; i < 1200; i++) {
            statement.execute("UPDATE rows SET n = n + 1");
          }
        }
      }
      case INDEX_INSERTS ->
          refill(cluster, 120, "SELECT (random() * 4000000)::int FROM generate_series(1, 2500) i");
      case BANK, CHECKED_BANK -> {
        int steps = work == Work.BANK ? 8_000 : 32_000;
        try (Load load =
            new Tpcb(10, 100_000).start(cluster::connect, Load.Plan.steps(4, 1, steps))) {
          load.await();
        }
      }
    }
  }

  private static void refill(LocalCluster cluster, int rounds, String rows) throws Exception {
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      for (int i = 0; i < rounds; i++) {
        statement.execute("BEGIN");
        statement.execute("INSERT INTO rows " + rows);
        statement.execute("ROLLBACK");
        statement.execute("VACUUM (INDEX_CLEANUP on, TRUNCATE off) rows");
      }
    }
  }

  /// The work as the results name it.
  static String name(Work work) {
    return work.toString().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  long bytes() {
    return end.minus(start);
  }

  List<Path> segments() throws IOException {
    return segments(wal);
  }

  /// The names of finished segments, in order; those recycled for later are beyond the end.
  static List<Path> segments(Path folder) throws IOException {
    var found = new ArrayList<Path>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (file.getFileName().toString().matches("[0-9A-F]{24}")) {
          found.add(file);
        }
      }
    }
    found.sort(null);
    return found;
  }

  static void copy(Path from, Path to) throws IOException {
    Trees.delete(to);
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        Files.copy(path, to.resolve(from.relativize(path)), StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }
}
