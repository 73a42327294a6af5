package dev.varve.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalClusterTest {

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void runsEveryVersionAndLeavesNothingBehind(int major) throws Exception {
    Path base;
    ProcessHandle process;
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(major)).start()) {
      base = cluster.socketDirectory();
      process = ProcessHandle.of(cluster.pid()).orElseThrow();
      assertThat(cluster.query("show server_version")).startsWith(major + ".");
      assertThat(cluster.query("show data_checksums")).isEqualTo("on");
      assertThat(cluster.query("show unix_socket_directories")).isEqualTo(base.toString());
      assertThat(cluster.dataDirectory().startsWith(base)).isTrue();
    }
    assertThat(process.isAlive()).isFalse();
    assertThat(base).doesNotExist();
  }

  @Test
  void runsAnExactMinorVersion() throws Exception {
    assertThat(PostgresBinaries.of("17.5").version()).isEqualTo("17.5.0");
    assertThat(PostgresBinaries.of(17).version()).isNotEqualTo("17.5.0");
    assertThatThrownBy(() -> PostgresBinaries.of("17.99"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no archive of PostgreSQL 17.99");
  }

  @Test
  void takesOptionsOfInitdbAndSettings() throws Exception {
    try (var cluster =
        LocalCluster.builder(PostgresBinaries.of(18))
            .checksums(false)
            .walSegmentMegabytes(1)
            .superuser("boss")
            .setting("work_mem", "7MB")
            .setting("cluster_name", "it's here")
            .start()) {
      assertThat(cluster.query("show data_checksums")).isEqualTo("off");
      assertThat(cluster.query("show wal_segment_size")).isEqualTo("1MB");
      assertThat(cluster.query("show work_mem")).isEqualTo("7MB");
      assertThat(cluster.query("show cluster_name")).isEqualTo("it's here");
      assertThat(cluster.query("select current_user")).isEqualTo("boss");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"password", "md5", "scram-sha-256"})
  void asksForThePassword(String method) throws Exception {
    try (var cluster =
        LocalCluster.builder(PostgresBinaries.of(14)).password("secret", method).start()) {
      assertThat(cluster.query("select 1")).isEqualTo("1");
      assertThatThrownBy(
              () -> DriverManager.getConnection(cluster.jdbcUrl("postgres"), "postgres", "wrong"))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("password authentication failed");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"SMART", "FAST", "IMMEDIATE", "KILL"})
  void keepsItsDataAndItsPortOverAnyEnd(String end) throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      cluster.execute("create table t(a int)", "insert into t values (42)");
      int port = cluster.port();
      if (end.equals("KILL")) {
        cluster.kill();
      } else {
        cluster.stop(StopMode.valueOf(end));
      }
      assertThat(cluster.isRunning()).isFalse();
      assertThat(cluster.dataDirectory()).exists();
      cluster.start();
      assertThat(cluster.port()).isEqualTo(port);
      assertThat(cluster.query("select a from t")).isEqualTo("42");
    }
  }

  @Test
  void aServerThatCanNotStartSaysWhy() {
    assertThatThrownBy(() ->
            LocalCluster.builder(PostgresBinaries.of(17))
                .setting("shared_buffers", "nonsense")
                .start())
        .isInstanceOf(ServerFailedException.class)
        .hasMessageContaining("while starting")
        .hasMessageContaining("invalid value for parameter \"shared_buffers\"");
  }

  @Test
  void anExistingDirectoryIsAnUnchangedServerAndIsKept() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(16)).start()) {
      cluster.execute("create table t as select 7 as a");
      cluster.stop(StopMode.FAST);
      String configuration = Files.readString(cluster.dataDirectory().resolve("postgresql.conf"));
      try (var again =
          LocalCluster.existing(cluster.binaries(), cluster.dataDirectory())
              .setting("work_mem", "9MB")
              .hba("local all all reject")
              .hba("host all all 127.0.0.1/32 trust")
              .start()) {
        assertThat(again.query("select a from t")).isEqualTo("7");
        assertThat(again.query("show work_mem")).isEqualTo("9MB");
        assertThat(again.query("select count(*) from pg_hba_file_rules")).isEqualTo("2");
      }
      assertThat(cluster.dataDirectory().resolve("postgresql.conf")).hasContent(configuration);
    }
    assertThatThrownBy(
            () -> LocalCluster.existing(PostgresBinaries.of(16), Path.of("/nowhere")).start())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("/nowhere is not the data directory");
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void recoversABackupToAnLsn(int major) throws Exception {
    PostgresBinaries binaries = PostgresBinaries.of(major);
    try (var cluster = LocalCluster.builder(binaries).archive().start()) {
      Path copy = cluster.newDirectory("copy");
      try (Connection connection = cluster.connect();
          var statement = connection.createStatement()) {
        statement.execute("create table t(a int)");
        boolean old = major < 15;
        statement.execute(
            old ? "select pg_start_backup('b', true, false)" : "select pg_backup_start('b', true)");
        copyTree(cluster.dataDirectory(), copy);
        try (var rows =
            statement.executeQuery(
                old
                    ? "select labelfile from pg_stop_backup(false, false)"
                    : "select labelfile from pg_backup_stop(false)")) {
          rows.next();
          Files.writeString(copy.resolve("backup_label"), rows.getString(1));
        }
      }
      cluster.execute("insert into t values (1)");
      Lsn target = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()"));
      cluster.execute("insert into t values (2)", "select pg_switch_wal()", "checkpoint");
      awaitArchived(cluster);
      try (var recovered =
          LocalCluster.existing(binaries, copy).recoverTo(target, cluster.archive()).start()) {
        recovered.awaitPromotion(Duration.ofMinutes(3));
        assertThat(recovered.query("select string_agg(a::text, ',') from t")).isEqualTo("1");
        recovered.execute("insert into t values (3)");
      }
    }
  }

  private static void awaitArchived(LocalCluster cluster) throws Exception {
    String last = cluster.query("select pg_walfile_name(pg_current_wal_lsn() - 16 * 1024 * 1024)");
    while (!Files.exists(cluster.archive().resolve(last))) {
      cluster.execute("select pg_sleep(0.05)");
    }
  }

  private static void copyTree(Path from, Path to) throws IOException, InterruptedException {
    // Files come and go meanwhile, which is what the WAL is for.
    new ProcessBuilder(
            "/bin/sh",
            "-c",
            "cp -a " + from + "/. " + to + "; rm -rf " + to + "/postmaster.* " + to + "/pg_wal/0*")
        .start()
        .waitFor();
  }
}
