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
import java.util.ArrayList;
import java.util.List;
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
    BANK
  }

  static SourceWal make(Path folder, Work work) throws Exception {
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(15))
            .setting("max_wal_size", "8GB")
            .setting("wal_keep_size", "4GB")
            .setting("autovacuum", "off")
            .setting("synchronous_commit", "off")
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
      case BANK -> {
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
      case BANK -> {
        try (Load load =
            new Tpcb(10, 100_000).start(cluster::connect, Load.Plan.steps(4, 1, 8_000))) {
          load.await();
        }
      }
    }
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
