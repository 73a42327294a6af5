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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Backups and archives as PostgreSQL's own tools compress them.
class PackedArchiveTest {

  private static final String ROWS = "insert into t select generate_series(1, 20000)";

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "gzip, gz, none, gzip, gz",
    "client-lz4, lz4, stream, lz4, lz4",
    "client-zstd:level=5, zst, none, none, zst",
    "none, '', stream, none, ''",
  })
  void isTakenInAsItIs(
      String tarPacking, String tarSuffix, String wal, String walPacking, String walSuffix)
      throws Exception {
    Debian.assume();
    Assumptions.assumeTrue(
        !walSuffix.equals("zst") || Files.isExecutable(Path.of("/usr/bin/zstd")), "no zstd here");
    Path backup = folder.resolve("backup");
    Path archive = Files.createDirectory(folder.resolve("archive"));
    try (var cluster =
            LocalCluster.builder(Debian.version()).setting("wal_keep_size", "1GB").start();
        var timelines = new TestTimelines(folder.resolve("store"))) {
      cluster.execute("create table t (a int)", ROWS);
      Process receiver =
          Debian.start(
              cluster,
              folder.resolve("receiver.log"),
              "pg_receivewal",
              "-D",
              archive.toString(),
              "--no-loop",
              "--compress=" + walPacking);
      try {
        cluster.execute("select pg_switch_wal()");
        awaitFile(archive);
        backUp(cluster, backup, wal, tarPacking);
        cluster.execute(ROWS, "select pg_switch_wal()", ROWS, "update t set a = -a");
        cluster.stop(StopMode.FAST);
      } finally {
        receiver.waitFor();
      }
      assertThat(folder.resolve("receiver.log")).content().doesNotContain("removed");
      if (walSuffix.equals("zst")) {
        packAll(archive);
      }
      String suffix = walSuffix.isEmpty() ? "" : "." + walSuffix;
      assertThat(names(archive)).anyMatch(n -> n.matches("[0-9A-F]{24}" + suffix));
      assertThat(names(archive)).anyMatch(n -> n.contains(".partial"));
      assertThat(backup.resolve("base.tar" + (tarSuffix.isEmpty() ? "" : "." + tarSuffix)))
          .exists();

      TarImport.Result result = take(timelines, "whole", backup, archive);
      assertThat(result.walEnd()).isEmpty();
      DataDirectory view = DataDirectory.at(timelines.find("whole"), result.end());
      FileComparison.Result compared = FileComparison.run(view, cluster.dataDirectory(), _ -> true);
      assertThat(compared.differences()).as("%s", compared.compared()).isEmpty();
      if (!walSuffix.isEmpty()) {
        cutOff(timelines, backup, archive, result.end());
      }
    }
  }

  private void backUp(LocalCluster cluster, Path backup, String wal, String packing)
      throws Exception {
    Debian.run(
        cluster,
        folder.resolve("log"),
        "pg_basebackup",
        "-D",
        backup.toString(),
        "--format=tar",
        "--checkpoint=fast",
        "--wal-method=" + wal,
        "--compress=" + packing);
  }

  /// The writer of a partial file was stopped anywhere; a whole one that is cut is damaged.
  private static void cutOff(TestTimelines timelines, Path backup, Path archive, Lsn end)
      throws IOException {
    List<String> names = names(archive);
    Path partial =
        archive.resolve(
            names.stream().filter(n -> n.contains(".partial")).findFirst().orElseThrow());
    cut(partial, 2);
    TarImport.Result result = take(timelines, "cut", backup, archive);
    assertThat(result.end()).isBetween(result.readableFrom(), end);
    Files.delete(partial);
    Path last = archive.resolve(names(archive).getLast());
    cut(last, 3);
    try {
      result = take(timelines, "damaged", backup, archive);
      assertThat(result.walEnd().orElseThrow()).contains(last + " can't be read: ");
    } catch (PageserverException e) {
      assertThat(e).hasMessageContaining(last + " can't be read: ");
    }
  }

  private static void cut(Path file, int parts) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - bytes.length / parts));
  }

  @Test
  void otherCompressionsAreRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("base.tar"), "BZh91AY&SY");
    assertThatThrownBy(() -> TarImport.open(file, null))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is compressed by bzip2 or xz; decompress it");
  }

  private static TarImport.Result take(
      TestTimelines timelines, String name, Path backup, Path archive) throws IOException {
    TarImport tars = TarImport.open(backup, archive);
    return tars.run(
        timelines.create(name, tars.version(), tars.start()),
        archive.resolveSibling("scratch"),
        ImportProgress.NONE);
  }

  private static void packAll(Path archive) throws Exception {
    for (String name : names(archive)) {
      Debian.run("zstd", "-q", "--rm", archive.resolve(name).toString());
    }
  }

  private static List<String> names(Path archive) throws IOException {
    try (var files = Files.list(archive)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static void awaitFile(Path archive) throws Exception {
    long deadline = System.nanoTime() + Duration.ofMinutes(3).toNanos();
    while (names(archive).isEmpty()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.sleep(Duration.ofMillis(50));
    }
  }
}
