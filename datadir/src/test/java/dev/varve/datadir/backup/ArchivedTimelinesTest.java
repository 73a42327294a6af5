package dev.varve.datadir.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.StopMode;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.FileComparison;
import dev.varve.datadir.TestTimelines;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An archive with the WAL of a server and of two that were recovered from its backup.
class ArchivedTimelinesTest {

  private static final String ROWS = "insert into t select generate_series(1, 5000)";

  @TempDir Path folder;
  private LocalCluster primary;
  private Path backup;
  private Path archive;

  @BeforeEach
  void start() throws IOException {
    primary = LocalCluster.builder(Debian.version()).archive().start();
    archive = primary.archive();
    backup = folder.resolve("backup");
  }

  @AfterEach
  void stop() throws IOException {
    primary.close();
  }

  @Test
  void theNewestThatComesFromTheBackupIsTaken() throws Exception {
    Debian.assume();
    try (var timelines = new TestTimelines(folder.resolve("store"))) {
      LocalCluster cluster = primary;
      cluster.execute("create table t (a int)", ROWS);
      Debian.run(
          cluster,
          folder.resolve("log"),
          "pg_basebackup",
          "-D",
          backup.toString(),
          "-F",
          "t",
          "-X",
          "none",
          "-c",
          "fast");
      cluster.execute(ROWS);
      Lsn early = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()"));
      cluster.execute(ROWS, "select pg_switch_wal()", ROWS);
      Lsn late = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()"));
      cluster.execute(ROWS, "update t set a = a + 1", "select pg_switch_wal()", ROWS);
      cluster.stop(StopMode.FAST);

      try (var second = recovered("second", late)) {
        write(second);
        assertThat(second.query("select timeline_id from pg_control_checkpoint()")).isEqualTo("2");
        second.stop(StopMode.FAST);
        archiveLast(second);
        same(timelines, "of2", second, 2);

        try (var third = recovered("third", early)) {
          write(third);
          third.stop(StopMode.FAST);
          archiveLast(third);
          TarImport.Result result = same(timelines, "of3", third, 3);
          assertThat(result.leftOut())
              .hasSize(2)
              .anyMatch(sentence ->
                  sentence.startsWith("the WAL of PostgreSQL timeline 1 after 0/")
                      && sentence.endsWith(
                          " was left out: 3, the newest that goes on from the backup, branches"
                              + " off there"))
              .contains(
                  "the WAL of PostgreSQL timeline 2 was left out: it is not in the past of 3, the"
                      + " newest that goes on from the backup");
        }
        withoutHistories(timelines, second);
      }
    }
  }

  /// A segment of a PostgreSQL timeline that nobody can place is not guessed at.
  private void withoutHistories(TestTimelines timelines, LocalCluster second) throws Exception {
    Files.delete(archive.resolve("00000003.history"));
    TarImport.Result result = same(timelines, "of2again", second, 2);
    assertThat(result.leftOut())
        .hasSize(2) // and the rest of timeline 1
        .contains(
            "the WAL of PostgreSQL timeline 3 was left out: 00000003.history, which says where it"
                + " begins, is not there");

    Path history = archive.resolve("00000002.history");
    byte[] text = Files.readAllBytes(history);
    Files.write(history, new byte[] {'x'});
    assertThatThrownBy(() -> take(timelines, "none"))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining(history + " can't be read");
    Files.delete(history);
    result = take(timelines, "of1");
    assertThat(result.leftOut()).hasSize(2);
    DataDirectory view = DataDirectory.at(timelines.find("of1"), result.end());
    assertThat(view.checkPoint().tli()).isEqualTo(1);

    // Segments that are missing in between are said.
    Files.write(history, text);
    Lsn fork = Lsn.parse(new String(text, StandardCharsets.UTF_8).split("\t", -1)[1]);
    String segment = "%08X%08X".formatted(fork.value() >>> 32, fork.value() >>> 24 & 0xFF);
    try (var files = Files.newDirectoryStream(archive, "*" + segment)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    result = take(timelines, "broken");
    assertThat(result.walEnd()).contains("there is no segment 00000001" + segment);
  }

  private LocalCluster recovered(String name, Lsn to) throws Exception {
    Path copy = primary.newDirectory(name);
    Debian.run("tar", "xf", backup.resolve("base.tar").toString(), "-C", copy.toString());
    LocalCluster cluster =
        LocalCluster.existing(Debian.version(), copy)
            .recoverTo(to, archive)
            .setting("archive_mode", "on")
            .setting("archive_command", "cp \"%p\" \"" + archive + "/%f\"")
            .start();
    cluster.awaitPromotion(Duration.ofMinutes(3));
    return cluster;
  }

  private static void write(LocalCluster cluster) throws Exception {
    cluster.execute("create table u as select generate_series(1, 3000) a", ROWS, "checkpoint");
    cluster.execute("select pg_switch_wal()", "delete from u where a % 3 = 0", "vacuum u");
  }

  /// What PostgreSQL itself archives only when it is full.
  private void archiveLast(LocalCluster stopped) throws IOException {
    try (var files = Files.newDirectoryStream(stopped.dataDirectory().resolve("pg_wal"), "0*")) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.length() == 24 && !Files.exists(archive.resolve(name))) {
          Files.copy(file, archive.resolve(name + ".partial"), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }

  private TarImport.Result take(TestTimelines timelines, String name) throws IOException {
    TarImport tars = TarImport.open(backup, archive);
    return tars.run(
        timelines.create(name, tars.version(), tars.start()), folder, ImportProgress.NONE);
  }

  private TarImport.Result same(TestTimelines timelines, String name, LocalCluster stopped, int tli)
      throws IOException {
    TarImport.Result result = take(timelines, name);
    Timeline timeline = timelines.find(name);
    DataDirectory view = DataDirectory.at(timeline, result.end());
    assertThat(view.checkPoint().tli()).isEqualTo(tli);
    FileComparison.Result compared = FileComparison.run(view, stopped.dataDirectory(), _ -> true);
    assertThat(compared.differences()).as("%s", result).isEmpty();
    return result;
  }
}
