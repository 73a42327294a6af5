package dev.varve.bench;

import dev.varve.cluster.Trees;
import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
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
import java.util.List;

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

  private IngestBench() {}

  static void run(Path scratch, Results results) throws Exception {
    for (SourceWal.Work work : List.of(SourceWal.Work.SMALL_INSERTS, SourceWal.Work.BANK)) {
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
        (durable ? "ingest until durable, " : "ingest until readable, ") + SourceWal.name(work),
        "MB/s",
        RUNS,
        true,
        () -> megabytes / ingest(source, folder.resolve("varve"), durable),
        durable ? "PostgreSQL 15's recovery and checkpoint" : "PostgreSQL 15's recovery",
        () -> {
          Recovery recovery = Recovery.of(source, folder.resolve("recovery"), durable);
          double seconds = recovery.seconds() + (durable ? recovery.checkpointSeconds() : 0);
          return megabytes / seconds;
        });
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
}
