package dev.varve.datadir;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.datadir.backup.ImportProgress;
import dev.varve.datadir.backup.TarImport;
import dev.varve.model.Lsn;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ControlFile;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A copy of a stopped server and the WAL after it, against the server's own files when it is
/// stopped again.
class ServerComparisonTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "17.5", "18", "18.1"})
  void everyBlockIsWhatTheServerHas(String version) throws Exception {
    Path tar = folder.resolve("base.tar");
    try (var cluster =
            LocalCluster.builder(binaries(version))
                .setting("wal_keep_size", "2GB")
                .setting("max_prepared_transactions", "10")
                .setting("track_commit_timestamp", "on")
                .setting("wal_compression", "on")
                .start();
        var timelines = new TestTimelines(folder.resolve("store"))) {
      new ServerWorkload(cluster).prepare();
      cluster.stop(StopMode.FAST);
      DirectoryTar.write(cluster.dataDirectory(), tar);
      cluster.start();
      new ServerWorkload(cluster).run();
      Set<Integer> logged = databases(cluster, binaries(version).major());
      cluster.stop(StopMode.FAST);

      TarImport backup = TarImport.open(tar, cluster.dataDirectory().resolve("pg_wal"));
      Timeline timeline = timelines.create("main", backup.version(), backup.start());
      TarImport.Result result = backup.run(timeline, folder, ImportProgress.NONE);
      assertThat(result.files().warnings()).isEmpty();

      ControlFile control = control(cluster.dataDirectory());
      assertThat(result.end()).as("%s", result).isGreaterThan(new Lsn(control.checkPointLsn()));
      DataDirectory view = DataDirectory.at(timeline, result.end());
      FileComparison.Result compared =
          FileComparison.run(view, cluster.dataDirectory(), logged::contains);
      assertThat(compared.differences()).as("%s", compared.compared()).isEmpty();
      assertThat(compared.left()).isEmpty();
      assertThat(compared.compared())
          .containsKeys("page", "vm", "pg_xact", "pg_commit_ts", "pg_multixact/members", "map");
      countersAreExact(timeline, control);
    }
  }

  /// The last record is the shutdown checkpoint; what was known just before it must be what it
  /// says.
  private static void countersAreExact(Timeline timeline, ControlFile control) {
    CheckPoint truth = control.checkPoint();
    CheckPoint before = DataDirectory.at(timeline, new Lsn(control.checkPointLsn())).checkPoint();
    assertThat(before.nextXid()).isEqualTo(truth.nextXid());
    assertThat(before.nextMulti()).isEqualTo(truth.nextMulti());
    assertThat(before.nextMultiOffset()).isEqualTo(truth.nextMultiOffset());
    assertThat(before.oldestXid()).isEqualTo(truth.oldestXid());
    assertThat(before.oldestMulti()).isEqualTo(truth.oldestMulti());
    assertThat(before.newestCommitTimestampXid()).isEqualTo(truth.newestCommitTimestampXid());
    assertThat(before.oldestCommitTimestampXid()).isEqualTo(truth.oldestCommitTimestampXid());
    assertThat(Integer.toUnsignedLong(before.nextOid()))
        .isGreaterThanOrEqualTo(Integer.toUnsignedLong(truth.nextOid()));
  }

  /// The databases that were made with the strategy `wal_log`.
  private static Set<Integer> databases(LocalCluster cluster, int major) throws SQLException {
    Set<Integer> databases = new HashSet<>();
    if (major >= 15) {
      for (String name : List.of("made", "far_copy")) {
        databases.add(
            Integer.parseUnsignedInt(
                cluster.query("select oid from pg_database where datname = '" + name + "'")));
      }
    }
    return databases;
  }

  private static PostgresBinaries binaries(String version) throws IOException {
    return version.contains(".")
        ? PostgresBinaries.of(version)
        : PostgresBinaries.of(Integer.parseInt(version));
  }

  private static ControlFile control(Path directory) throws IOException {
    return ControlFile.parse(
        MemorySegment.ofArray(Files.readAllBytes(directory.resolve("global/pg_control"))));
  }
}
