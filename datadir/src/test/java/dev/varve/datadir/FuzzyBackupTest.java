package dev.varve.datadir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Tpcb;
import dev.varve.datadir.backup.TarImport;
import dev.varve.model.Lsn;
import dev.varve.testkit.workload.MixedWorkload;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A copy of a server that writes all the while, and the WAL: against the server's own files when
/// it is stopped.
class FuzzyBackupTest {

  private static final int CLIENTS = 3;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void aCopyUnderLoadBecomesWhatTheServerHas(int major) throws Exception {
    Path tar = folder.resolve("base.tar.gz");
    var builder =
        LocalCluster.builder(PostgresBinaries.of(major))
            .setting("wal_keep_size", "4GB")
            .setting("track_commit_timestamp", "on")
            .setting("autovacuum_naptime", "1s");
    try (var cluster = MixedWorkload.settings(builder, CLIENTS).start();
        var timelines = new TestTimelines(folder.resolve("store"))) {
      var bank = new Tpcb(1, 2000);
      try (Connection connection = cluster.connect()) {
        bank.initialize(connection);
      }
      try (Load transfers = bank.start(cluster::connect, Load.Plan.endless(2, 1));
          Load mixed =
              MixedWorkload.on(cluster)
                  .start(cluster::connect, Load.Plan.endless(CLIENTS, major))) {
        mixed.await(40);
        backUp(cluster, tar);
        mixed.await(mixed.steps() + 40);
        transfers.await(transfers.steps() + 100);
      }
      String next = cluster.query("select pg_current_wal_lsn()");
      cluster.stop(StopMode.FAST);

      TarImport backup = TarImport.open(tar, cluster.dataDirectory().resolve("pg_wal"));
      Timeline timeline = timelines.create("main", backup.version(), backup.start());
      var progress = new AtomicLong();
      TarImport.Result result =
          backup.run(timeline, folder, (bytes, _) -> progress.accumulateAndGet(bytes, Math::max));
      assertThat(progress.get()).isEqualTo(result.files().bytes());
      assertThat(result.walEnd()).as("%s", result).isEmpty();
      assertThat(result.end()).isGreaterThanOrEqualTo(Lsn.parse(next));
      assertThat(result.readableFrom()).isBetween(backup.start(), result.end());

      DataDirectory view = DataDirectory.at(timeline, result.end());
      FileComparison.Result compared = FileComparison.run(view, cluster.dataDirectory(), _ -> true);
      assertThat(compared.differences()).as("%s", compared.compared()).isEmpty();
      assertThat(view.otherFiles().stream().map(OtherFile::path))
          .contains("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
          .doesNotContain("postmaster.pid", "backup_label", "tablespace_map");
    }
  }

  /// As a file system's tools back a running server up: told before and after.
  private static void backUp(LocalCluster cluster, Path tar) throws IOException, SQLException {
    boolean old = cluster.binaries().major() < 15;
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          old
              ? "select pg_start_backup('test', true, false)"
              : "select pg_backup_start('test', true)");
      DirectoryTar.write(
          cluster.dataDirectory(),
          tar,
          () -> end(statement, old ? "pg_stop_backup(false, false)" : "pg_backup_stop(false)"));
    }
  }

  private static List<DirectoryTar.Extra> end(Statement statement, String function)
      throws IOException {
    List<DirectoryTar.Extra> files = new ArrayList<>();
    try (ResultSet row = statement.executeQuery("select labelfile, spcmapfile from " + function)) {
      row.next();
      files.add(new DirectoryTar.Extra("backup_label", row.getString(1)));
      String map = row.getString(2);
      if (map != null && !map.isEmpty()) {
        files.add(new DirectoryTar.Extra("tablespace_map", map));
      }
    } catch (SQLException e) {
      throw new IOException(e);
    }
    return files;
  }
}
