package dev.varve.bench;

import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalStats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/// Counting the records of WAL segments, beside `pg_waldump --stats=record` on the same files.
final class DecodeBench {

  private static final Path PG_WALDUMP = Path.of("/usr/lib/postgresql/15/bin/pg_waldump");
  private static final int RUNS = 5;
  private static final int CHUNK = 1 << 20;

  private DecodeBench() {}

  static void run(Path scratch, Results results) throws Exception {
    if (!Files.isExecutable(PG_WALDUMP)) {
      System.err.println("varve bench: no " + PG_WALDUMP + "; install postgresql-15 to compare");
      return;
    }
    for (SourceWal.Work work : List.of(SourceWal.Work.SMALL_INSERTS, SourceWal.Work.BANK)) {
      SourceWal source = SourceWal.make(scratch.resolve("decode-" + work), work);
      List<Path> segments = source.segments();
      long[] counted = new long[2];
      double[] ours = new double[RUNS];
      double[] peer = new double[RUNS];
      for (int i = 0; i < RUNS; i++) {
        peer[i] = waldump(segments);
        ours[i] = decode(segments, counted);
      }
      double ourTime = Results.median(ours);
      double peerTime = Results.median(peer);
      String what = "WAL decode, " + SourceWal.name(work);
      results.note(
          what,
          "MB/s",
          counted[1] / ourTime / 1e6,
          "pg_waldump --stats",
          counted[1] / peerTime / 1e6,
          true,
          RUNS);
      results.note(
          what,
          "records/s",
          counted[0] / ourTime,
          "pg_waldump --stats",
          counted[0] / peerTime,
          true,
          RUNS);
    }
  }

  /// @return seconds
  private static double waldump(List<Path> segments) throws IOException, InterruptedException {
    long started = System.nanoTime();
    Process process =
        new ProcessBuilder(
                PG_WALDUMP.toString(),
                "--stats=record",
                segments.getFirst().toString(),
                segments.getLast().toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    process.waitFor();
    return (System.nanoTime() - started) / 1e9;
  }

  /// @param counted gets the records and their bytes
  /// @return seconds
  private static double decode(List<Path> segments, long[] counted) throws IOException {
    long started = System.nanoTime();
    WalDecoder decoder = null;
    WalStats stats = null;
    try (var arena = Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(CHUNK);
      ByteBuffer buffer = chunk.asByteBuffer();
      for (Path segment : segments) {
        try (FileChannel file = FileChannel.open(segment, StandardOpenOption.READ)) {
          while (file.read(buffer.clear()) > 0 && (decoder == null || !decoder.ended())) {
            if (decoder == null || stats == null) {
              decoder = WalDecoder.ofSegment(chunk, 0);
              stats = new WalStats(decoder.version());
            }
            decoder.feed(chunk, 0, buffer.position(), stats);
          }
        }
        if (decoder != null && decoder.ended()) {
          break;
        }
      }
    }
    double seconds = (System.nanoTime() - started) / 1e9;
    if (stats == null) {
      throw new IOException("no WAL was made");
    }
    counted[0] = stats.total().count();
    counted[1] = stats.endLsn() - stats.startLsn();
    return seconds;
  }
}
