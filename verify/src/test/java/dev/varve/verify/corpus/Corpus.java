package dev.varve.verify.corpus;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Trees;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.wal.RecordHandler;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.verify.BaseCopy;
import dev.varve.verify.Verdict;
import dev.varve.verify.WalVerification;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// A new server that is made to write, whose log is then verified against the images in it and the
/// files that the server leaves, and decoded once more for what paths it took.
final class Corpus implements AutoCloseable {

  private static final int CACHED_PAGES = 8192;
  private static final long PATIENCE = 120_000_000_000L;

  private final LocalCluster cluster;
  private final Path folder;
  private final Path base;

  private Corpus(LocalCluster cluster, Path folder) {
    this.cluster = cluster;
    this.folder = folder;
    this.base = folder.resolve("base");
  }

  /// @param version of PostgreSQL, such as `17` or `17.5`
  /// @param options further settings of the cluster
  static Corpus start(String version, UnaryOperator<ClusterBuilder> options) throws Exception {
    PostgresBinaries binaries =
        version.contains(".")
            ? PostgresBinaries.of(version)
            : PostgresBinaries.of(Integer.parseInt(version));
    ClusterBuilder builder =
        LocalCluster.builder(binaries)
            .setting("wal_keep_size", "20GB")
            .setting("max_wal_size", "20GB")
            .setting("checkpoint_timeout", "1h")
            .setting("autovacuum", "off")
            .setting("max_prepared_transactions", "10")
            .setting("track_commit_timestamp", "on");
    var corpus =
        new Corpus(options.apply(builder).create(), Files.createTempDirectory("varve-corpus-"));
    try {
      BaseCopy.make(corpus.cluster.dataDirectory(), corpus.base);
      corpus.cluster.start();
      return corpus;
    } catch (IOException | RuntimeException e) {
      corpus.close();
      throw e;
    }
  }

  PgVersion version() {
    return PgVersion.ofMajor(cluster.binaries().major());
  }

  LocalCluster cluster() {
    return cluster;
  }

  /// Runs a workload, in a schema of its own.
  ///
  /// @param checked the resource managers whose records get images, as in
  ///   `wal_consistency_checking`
  void run(String schema, String checked, Workload workload) throws Exception {
    cluster.execute(
        "create schema " + schema,
        "alter system set search_path = " + schema + ", public",
        "alter system set wal_consistency_checking = '" + checked + "'",
        "select pg_reload_conf()");
    long deadline = System.nanoTime() + PATIENCE;
    while (!cluster.query("show search_path").startsWith(schema + ",")) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("the server does not reload its configuration");
      }
    }
    workload.run(cluster);
  }

  /// Stops the server and verifies all it has written.
  Verdict verify() throws IOException {
    if (cluster.isRunning()) {
      cluster.stop(StopMode.FAST);
    }
    var options =
        new WalVerification.Options(
            base,
            log(),
            Optional.empty(),
            Optional.empty(),
            Optional.of(cluster.dataDirectory()),
            folder.resolve("scratch"),
            CACHED_PAGES);
    return WalVerification.run(options, _ -> {});
  }

  private Path log() {
    return cluster.dataDirectory().resolve("pg_wal");
  }

  /// Decodes the log of the stopped server, all but its last record.
  void decode(RecordHandler handler) throws IOException {
    ControlFile control = control(base);
    long end = control(cluster.dataDirectory()).checkPointLsn();
    int size = control.walSegmentSize();
    long at = control.checkPointLsn();
    var decoder = new WalDecoder(control.version(), size, at);
    for (Path segment : segments(at / size, size)) {
      if (at < end) {
        long skip = at % size;
        long length = Math.min(size - skip, end - at);
        MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(segment));
        decoder.feed(bytes, skip, length, handler);
        at += length;
      }
    }
  }

  private static ControlFile control(Path data) throws IOException {
    return ControlFile.parse(
        MemorySegment.ofArray(Files.readAllBytes(data.resolve("global/pg_control"))));
  }

  /// The segments in order; of those that two PostgreSQL timelines have, the later one's, which
  /// begins with what both share.
  private List<Path> segments(long first, int size) throws IOException {
    long perId = (1L << 32) / size;
    String firstName = "%08X%08X".formatted(first / perId, first % perId);
    var segments = new TreeMap<String, Path>();
    try (Stream<Path> files = Files.list(log())) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.matches("[0-9A-F]{24}") && name.substring(8).compareTo(firstName) >= 0) {
          segments.put(name.substring(8), file);
        }
      }
    }
    return List.copyOf(segments.values());
  }

  @Override
  public void close() throws IOException {
    try (cluster) {
      Trees.delete(folder);
    }
  }
}
