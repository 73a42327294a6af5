package dev.varve.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Trees;
import dev.varve.testkit.workload.MixedWorkload;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/// Servers whose records carry an image of every page, and copies of their data directories.
abstract class VerifiedServers {

  static final int CLIENTS = 3;

  /// Few, so that pages come and go.
  static final int CACHED_PAGES = 256;

  Path folder;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createTempDirectory("varve-verify-test-");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterEach
  void deleteFolder() throws IOException {
    Trees.delete(folder);
  }

  static ClusterBuilder server(int major) throws IOException {
    return MixedWorkload.settings(LocalCluster.builder(PostgresBinaries.of(major)), CLIENTS)
        .setting("wal_consistency_checking", "all")
        .setting("wal_keep_size", "20GB")
        .setting("max_wal_size", "20GB")
        .setting("track_commit_timestamp", "on");
  }

  /// One that does nothing by itself: while autovacuum has a snapshot, VACUUM leaves rows where
  /// they are, and pages without their bits.
  static ClusterBuilder quietServer(int major) throws IOException {
    return server(major).setting("autovacuum", "off");
  }

  static void load(LocalCluster cluster, int steps) throws Exception {
    try (Load load =
        MixedWorkload.on(cluster).start(cluster::connect, Load.Plan.steps(CLIENTS, 5, steps))) {
      load.await();
    }
  }

  WalVerification.Options options(Path base, Path data) {
    return new WalVerification.Options(
        base,
        data.resolve("pg_wal"),
        Optional.empty(),
        Optional.empty(),
        Optional.of(data),
        folder.resolve("scratch"),
        CACHED_PAGES);
  }

  static Verdict verify(WalVerification.Options options) throws IOException {
    return WalVerification.run(options, _ -> {});
  }

  void requireNothingLeft() throws IOException {
    assertThat(folder.resolve("scratch")).isEmptyDirectory();
  }

  static void execute(LocalCluster cluster, String database, String... statements)
      throws SQLException {
    try (Connection connection = cluster.connect(database);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  Path copy(Path data) throws IOException {
    Path base = folder.resolve("base");
    BaseCopy.make(data, base);
    return base;
  }

  Path backUp(LocalCluster cluster, int major) throws Exception {
    boolean old = major < 15;
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          old
              ? "select pg_start_backup('test', true, false)"
              : "select pg_backup_start('test', true)");
      Path base = copy(cluster.dataDirectory());
      try (ResultSet row =
          statement.executeQuery(
              "select labelfile from "
                  + (old ? "pg_stop_backup(false, false)" : "pg_backup_stop(false)"))) {
        row.next();
        Files.writeString(base.resolve("backup_label"), row.getString(1));
      }
      return base;
    }
  }
}
