package dev.varve.postgres.record;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.model.Lsn;
import dev.varve.postgres.backup.TimelineHistory;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ClusterState;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// An unmodified server starts from a directory whose control file and log are ours.
class StartableDirectoryTest {

  private static final int TLI = 7;

  /// At other places than the old log ended at: in the middle of a page, at the end of one, and at
  /// the start of a segment; in segments of two sizes.
  @ParameterizedTest
  @CsvSource({
    "14, 16, 0x12345",
    "15, 1, 0x1FF8",
    "16, 1, 0x500000",
    "17, 16, 0x2000000",
    "18, 1, 0x80",
    "18, 16, 0x1F90",
  })
  void anUnmodifiedServerStartsFromOurCheckpoint(int major, int megabytes, String distance)
      throws Exception {
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(major))
            .walSegmentMegabytes(megabytes)
            .setting("wal_level", "replica")
            .start()) {
      cluster.execute(
          "create table t (a int primary key)", "insert into t select generate_series(1, 5000)");
      cluster.stop(StopMode.FAST);
      CheckpointSegment segment = replaceLog(cluster.dataDirectory(), Long.decode(distance));

      cluster.start();
      assertThat(cluster.query("select count(*) from t")).isEqualTo("5000");
      assertThat(cluster.query("select timeline_id from pg_control_checkpoint()"))
          .isEqualTo(Integer.toString(TLI));
      assertThat(cluster.query("select pg_walfile_name(pg_current_wal_lsn() + 1)"))
          .startsWith("00000007");
      assertThat(cluster.query("select pg_is_in_recovery()")).isEqualTo("f");
      cluster.execute("insert into t select generate_series(5001, 9000)");

      // Crash recovery begins at our record, and reads the server's own behind it.
      cluster.kill();
      cluster.start();
      assertThat(cluster.query("select count(*) from t")).isEqualTo("9000");
      assertThat(Lsn.parse(cluster.query("select redo_lsn from pg_control_checkpoint()")).value())
          .isGreaterThanOrEqualTo(segment.endLsn());
      cluster.execute("create table u as select * from t", "checkpoint");
      cluster.restart(StopMode.FAST);
      assertThat(cluster.query("select count(*) from u")).isEqualTo("9000");
      assertThat(cluster.query("select system_identifier from pg_control_system()"))
          .isEqualTo(Long.toUnsignedString(control(cluster.dataDirectory()).systemIdentifier()));
      assertThat(cluster.logTail()).doesNotContain("PANIC").doesNotContain("ERROR");
    }
  }

  private static ControlFile control(Path data) throws IOException {
    return ControlFile.parse(
        MemorySegment.ofArray(Files.readAllBytes(data.resolve("global/pg_control"))));
  }

  /// Removes the log, and puts in its place a checkpoint `distance` bytes further on, on another
  /// PostgreSQL timeline.
  private static CheckpointSegment replaceLog(Path data, long distance) throws IOException {
    ControlFile control = control(data);
    var segments = new WalSegments(control.walSegmentSize());
    CheckPoint checkPoint = control.checkPoint();
    int oldTli = checkPoint.tli();
    long old = checkPoint.redo();
    long end =
        distance < 0x100000
            ? (old & -0x2000L) + 0x2000 + distance
            : segments.startOf(old) + distance;
    long lsn = CheckpointSegment.place(end, segments);
    checkPoint.setRedo(lsn);
    checkPoint.setTli(TLI);
    checkPoint.setPreviousTli(TLI);
    control.setCheckPoint(checkPoint);
    control.setCheckPointLsn(lsn);
    control.setState(ClusterState.SHUT_DOWN);
    var segment = new CheckpointSegment(checkPoint, control.systemIdentifier(), segments, old);

    Path wal = data.resolve("pg_wal");
    List<Path> oldFiles;
    try (Stream<Path> files = Files.list(wal)) {
      oldFiles =
          files.filter(f -> SegmentName.parse(f.getFileName().toString()).isPresent()).toList();
    }
    for (Path file : oldFiles) {
      Files.delete(file);
    }
    write(wal.resolve(segment.name().toString()), segment.toBytes());
    TimelineHistory history =
        new TimelineHistory(List.of()).branch(oldTli, new Lsn(lsn), "branch of a test");
    write(wal.resolve(TimelineHistory.fileName(TLI)), history.toBytes());
    write(data.resolve("global/pg_control"), control.toBytes());
    return segment;
  }

  /// Root writes what the server's user must be able to.
  private static void write(Path file, byte[] bytes) throws IOException {
    Files.write(file, bytes);
    Files.setOwner(file, Files.getOwner(file.getParent()));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
  }
}
