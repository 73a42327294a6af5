package dev.varve.bench;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Trees;
import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
import dev.varve.postgres.control.ClusterState;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.postgres.wal.WalSegments;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Taking WAL in, beside PostgreSQL's own recovery of the same WAL from the same files: until all
/// of it can be read, and until all of it is durable.
///
/// A server takes WAL in for days, so ours has run before it is measured: the JVM has compiled what
/// is hot. The peer's time is what its log says of its redo; until durable, with `fsync` on and
/// with the checkpoint that ends its recovery.
final class IngestBench {

  private static final int RUNS = 5;
  private static final int WARM_UPS = 3;
  private static final int CHUNK = 128 << 10;

  private static final Pattern REDO_TIME = Pattern.compile("redo done at .* elapsed: ([0-9.]+) s");
  private static final Pattern CHECKPOINT_TIME =
      Pattern.compile("checkpoint complete: .* total=([0-9.]+) s");

  private IngestBench() {}

  static void run(Path scratch, Results results) throws Exception {
    for (SourceWal.Work work : SourceWal.Work.values()) {
      Path folder = scratch.resolve("ingest-" + work);
      SourceWal source = SourceWal.make(folder, work);
      for (int i = 0; i < WARM_UPS; i++) {
        ingest(source, folder.resolve("varve"), true);
      }
      compare(source, work, folder, false, results);
      compare(source, work, folder, true, results);
      Trees.delete(folder);
    }
  }

  private static void compare(
      SourceWal source, SourceWal.Work work, Path folder, boolean durable, Results results)
      throws Exception {
    double megabytes = source.bytes() / 1e6;
    results.compare(
        (durable ? "ingest until durable, " : "ingest until readable, ")
            + work.toString().toLowerCase(Locale.ROOT).replace('_', ' '),
        "MB/s",
        RUNS,
        true,
        () -> megabytes / ingest(source, folder.resolve("varve"), durable),
        durable ? "PostgreSQL 15's recovery and checkpoint" : "PostgreSQL 15's recovery",
        () -> megabytes / recover(source, folder.resolve("recovery"), durable));
  }

  private static double ingest(SourceWal source, Path folder, boolean durable) throws Exception {
    try (var timelines = new BenchTimelines(folder)) {
      Timeline timeline = timelines.importDirectory("bench", source.base(), checkpointOf(source));
      long started = System.nanoTime();
      try (var ingest = new WalIngest(timeline)) {
        feed(source, ingest);
      }
      if (durable) {
        timeline.checkpoint();
      }
      double seconds = (System.nanoTime() - started) / 1e9;
      Lsn reached = durable ? timeline.diskConsistentLsn() : timeline.lastRecordLsn();
      if (reached.isBefore(source.end())) {
        throw new IOException("only " + reached + " was reached");
      }
      return seconds;
    } finally {
      Trees.delete(folder);
    }
  }

  /// The base was stopped cleanly: its WAL goes on where its control file's checkpoint begins.
  static Lsn checkpointOf(SourceWal source) throws IOException {
    byte[] control = Files.readAllBytes(source.base().resolve("global/pg_control"));
    return new Lsn(ControlFile.parse(MemorySegment.ofArray(control)).checkPoint().redo());
  }

  static void feed(SourceWal source, WalIngest ingest) throws IOException {
    var segments = new WalSegments(WalSegments.DEFAULT_SIZE);
    // On the heap, as what comes from a connection is.
    var buffer = ByteBuffer.allocate(CHUNK);
    MemorySegment chunk = MemorySegment.ofArray(buffer.array());
    for (Path path : source.segments()) {
      long lsn = SegmentName.parse(path.getFileName().toString()).orElseThrow().start(segments);
      if (Long.compareUnsigned(lsn + segments.size(), ingest.position().value()) <= 0) {
        continue;
      }
      try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
        int read;
        while ((read = file.read(buffer.clear())) > 0) {
          long length = Math.min(read, source.end().value() - lsn);
          if (length <= 0) {
            return;
          }
          ingest.feed(lsn, chunk, 0, length);
          lsn += read;
        }
      }
    }
  }

  /// Starts a copy of the base with the WAL in its place: crash recovery replays it.
  private static double recover(SourceWal source, Path folder, boolean durable) throws Exception {
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
      double seconds = seconds(REDO_TIME, log);
      if (durable) {
        seconds += seconds(CHECKPOINT_TIME, log);
      }
      cluster.stop(StopMode.IMMEDIATE);
      return seconds;
    } finally {
      Trees.delete(folder);
    }
  }

  private static double seconds(Pattern what, String log) throws IOException {
    Matcher time = what.matcher(log);
    if (!time.find()) {
      throw new IOException("PostgreSQL's log has no \"" + what + "\"; it says:\n" + log);
    }
    return Double.parseDouble(time.group(1));
  }

  private static void markAsCrashed(Path path) throws IOException {
    var control = ControlFile.parse(MemorySegment.ofArray(Files.readAllBytes(path)));
    control.setState(ClusterState.IN_PRODUCTION);
    Files.write(path, control.toBytes());
  }
}
