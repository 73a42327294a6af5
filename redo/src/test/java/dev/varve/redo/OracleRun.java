package dev.varve.redo;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.model.Key;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.wal.RecordHandler;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalRecord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// One run of a workload on a real server whose records carry oracle images, and the replay of its
/// log through redo.
final class OracleRun {

  /// What is done with the server.
  interface Workload {
    void run(LocalCluster cluster) throws Exception;
  }

  /// What a test looks at besides the oracle's report.
  interface Witness {

    /// What applies the changes: redo, or what stands in its place.
    default RedoOracle.Applier applier(Redo redo) {
      return redo::apply;
    }

    /// A record, after its redo.
    default void record(WalRecord record) {}

    /// The pages that redo made, when all is done and the server has stopped.
    default void pages(LocalCluster cluster, Map<Key, MemorySegment> pages) throws Exception {}
  }

  private OracleRun() {}

  /// @param version of PostgreSQL, such as `17` or `17.5`
  /// @param options further settings of the cluster
  static OracleReport of(String version, UnaryOperator<ClusterBuilder> options, Workload workload)
      throws Exception {
    return of(version, options, workload, new Witness() {});
  }

  /// @param applier what replaces redo, made from redo
  static OracleReport of(
      String version,
      UnaryOperator<ClusterBuilder> options,
      Workload workload,
      Function<Redo, RedoOracle.Applier> applier)
      throws Exception {
    return of(
        version,
        options,
        workload,
        new Witness() {
          @Override
          public RedoOracle.Applier applier(Redo redo) {
            return applier.apply(redo);
          }
        });
  }

  static OracleReport of(
      String version, UnaryOperator<ClusterBuilder> options, Workload workload, Witness witness)
      throws Exception {
    PostgresBinaries binaries =
        version.contains(".")
            ? PostgresBinaries.of(version)
            : PostgresBinaries.of(Integer.parseInt(version));
    ClusterBuilder builder =
        LocalCluster.builder(binaries)
            .setting("wal_consistency_checking", "all")
            .setting("wal_keep_size", "20GB")
            .setting("max_wal_size", "20GB")
            .setting("checkpoint_timeout", "1h")
            .setting("autovacuum", "off")
            .setting("max_prepared_transactions", "10")
            .setting("track_commit_timestamp", "on");
    Path base = Files.createTempDirectory("varve-oracle-");
    try (LocalCluster cluster = options.apply(builder).create()) {
      copy(cluster.dataDirectory(), base);
      cluster.start();
      workload.run(cluster);
      cluster.stop(StopMode.FAST);
      var redo = new Redo(PgVersion.ofMajor(binaries.major()));
      var oracle = new RedoOracle(witness.applier(redo), base);
      RecordHandler both =
          record -> {
            oracle.record(record);
            witness.record(record);
          };
      replay(base, cluster.dataDirectory(), both);
      witness.pages(cluster, oracle.pages());
      oracle.compareFiles(cluster.dataDirectory());
      return oracle.report();
    } finally {
      delete(base);
    }
  }

  private static void replay(Path base, Path dataDirectory, RecordHandler handler)
      throws IOException {
    ControlFile control =
        ControlFile.parse(
            MemorySegment.ofArray(Files.readAllBytes(base.resolve("global/pg_control"))));
    int size = control.walSegmentSize();
    long start = control.checkPointLsn();
    var decoder = new WalDecoder(control.version(), size, start);
    long skip = start % size;
    for (Path segment : segments(dataDirectory, start / size, size)) {
      MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(segment));
      if (!decoder.ended()) {
        decoder.feed(bytes, skip, bytes.byteSize() - skip, handler);
      }
      skip = 0;
    }
  }

  /// The segments in order, without those that are only kept for later use.
  private static List<Path> segments(Path dataDirectory, long first, int size) throws IOException {
    long perId = (1L << 32) / size;
    String firstName = "00000001%08X%08X".formatted(first / perId, first % perId);
    try (Stream<Path> files = Files.list(dataDirectory.resolve("pg_wal"))) {
      return files
          .filter(file -> file.getFileName().toString().matches("[0-9A-F]{24}"))
          .filter(file -> file.getFileName().toString().compareTo(firstName) >= 0)
          .sorted()
          .toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else if (!file.toString().contains("pg_wal")) {
          Files.copy(file, target);
        }
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
