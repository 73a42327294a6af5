package dev.varve.bench;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Trees;
import dev.varve.postgres.control.ClusterState;
import dev.varve.postgres.control.ControlFile;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The peer of whatever replays WAL: PostgreSQL 15's own crash recovery of the same WAL on the same
/// base, by what its log says.
///
/// @param seconds of its redo, "redo done … elapsed"
/// @param cpuSeconds of the process in user and system mode during redo
/// @param checkpointSeconds of the checkpoint that ends it
record Recovery(double seconds, double cpuSeconds, double checkpointSeconds) {

  private static final Pattern REDO =
      Pattern.compile(
          "redo done at .* CPU: user: ([0-9.]+) s, system: ([0-9.]+) s, elapsed: ([0-9.]+) s");
  private static final Pattern CHECKPOINT =
      Pattern.compile("checkpoint complete: .* total=([0-9.]+) s");

  /// Starts a copy of the base with the WAL in its place.
  ///
  /// @param folder where the copy goes; it is deleted again
  /// @param durable with `fsync`
  static Recovery of(SourceWal source, Path folder, boolean durable) throws Exception {
    SourceWal.copy(source.base(), folder);
    for (Path segment : SourceWal.segments(folder.resolve("pg_wal"))) {
      Files.delete(segment);
    }
    for (Path segment : source.segments()) {
      Files.copy(segment, folder.resolve("pg_wal").resolve(segment.getFileName()));
    }
    markAsCrashed(folder.resolve("global/pg_control"));
    try (LocalCluster cluster =
        LocalCluster.existing(PostgresBinaries.of(15), folder)
            .setting("shared_buffers", "512MB")
            .setting("log_checkpoints", "on")
            .setting("fsync", durable ? "on" : "off")
            .start()) {
      String log = Files.readString(cluster.log());
      Matcher redo = find(REDO, log);
      Matcher checkpoint = find(CHECKPOINT, log);
      cluster.stop(StopMode.IMMEDIATE);
      return new Recovery(
          Double.parseDouble(redo.group(3)),
          Double.parseDouble(redo.group(1)) + Double.parseDouble(redo.group(2)),
          Double.parseDouble(checkpoint.group(1)));
    } finally {
      Trees.delete(folder);
    }
  }

  private static Matcher find(Pattern what, String log) throws IOException {
    Matcher found = what.matcher(log);
    if (!found.find()) {
      throw new IOException("PostgreSQL's log has no \"" + what + "\"; it says:\n" + log);
    }
    return found;
  }

  private static void markAsCrashed(Path path) throws IOException {
    var control = ControlFile.parse(MemorySegment.ofArray(Files.readAllBytes(path)));
    control.setState(ClusterState.IN_PRODUCTION);
    Files.write(path, control.toBytes());
  }
}
