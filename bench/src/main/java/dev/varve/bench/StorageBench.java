package dev.varve.bench;

import dev.varve.cluster.Trees;
import dev.varve.model.Key;
import dev.varve.model.TimelineId;
import dev.varve.timeline.CompactionSettings;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.SplittableRandom;

/// The storage engine by itself: taking in, branching with many layers, starting with many
/// timelines, and, in a process of its own with a small budget, reading under full load.
final class StorageBench {

  private static final long BYTES = 1L << 30;
  private static final int RUNS = 3;
  private static final int CHANGE = 100;
  private static final int KEYS = 1 << 17;

  private StorageBench() {}

  static void run(Path scratch, Results results) throws Exception {
    Path folder = Files.createDirectory(scratch.resolve("storage"));
    ingest(folder, results, CHANGE, "changes of 100 bytes to random pages");
    ingest(folder, results, StorageFixture.PAGE, "images of 8 KiB of random pages");
    ReadBench.run(folder, results);
    LayerMapBench.run(results);
    branches(folder, results);
    StorageStart.run(folder, results);
    StorageLoad.run(folder, results);
    Trees.delete(folder);
  }

  private static TimelineSettings settings() {
    return new TimelineSettings(384L << 20, 128L << 20, 64L << 20, Duration.ofMinutes(10), 2);
  }

  private static void ingest(Path folder, Results results, int length, String what)
      throws Exception {
    results.compare(
        "1 GiB of " + what + ", until durable",
        "MB/s",
        RUNS,
        true,
        () -> ingest(folder.resolve("ingest"), length),
        "written sequentially and synced",
        () -> write(folder.resolve("written")));
  }

  /// @return MB/s
  private static double ingest(Path folder, int length) throws IOException {
    var random = new SplittableRandom(1);
    double rate;
    try (Arena arena = Arena.ofConfined();
        var fixture = new StorageFixture(folder, settings())) {
      MemorySegment bytes = arena.allocate(1 << 20);
      for (long at = 0; at < bytes.byteSize(); at += Long.BYTES) {
        bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, at, random.nextLong());
      }
      Timeline timeline = fixture.make("ingest", 1);
      long started = System.nanoTime();
      try (Ingest ingest = timeline.ingest()) {
        long lsn = StorageFixture.START.value();
        for (long done = 0; done < BYTES; done += length) {
          lsn += 8;
          Key key = StorageFixture.key(random.nextInt(KEYS));
          long from = random.nextInt((1 << 20) - length);
          if (length == StorageFixture.PAGE) {
            ingest.image(key.upper(), key.middle(), key.lower(), lsn, bytes, from, length);
          } else {
            ingest.change(key.upper(), key.middle(), key.lower(), lsn, true, bytes, from, length);
          }
          ingest.advance(lsn);
        }
      }
      timeline.checkpoint();
      rate = BYTES / 1e6 / ((System.nanoTime() - started) / 1e9);
    }
    Trees.delete(folder);
    return rate;
  }

  /// @return MB/s
  private static double write(Path file) throws IOException {
    var random = new SplittableRandom(1);
    ByteBuffer bytes = ByteBuffer.allocateDirect(1 << 20);
    while (bytes.hasRemaining()) {
      bytes.putLong(random.nextLong());
    }
    long started = System.nanoTime();
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long done = 0; done < BYTES; done += bytes.capacity()) {
        bytes.clear();
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      }
      channel.force(true);
    }
    double rate = BYTES / 1e6 / ((System.nanoTime() - started) / 1e9);
    Files.delete(file);
    return rate;
  }

  private static void branches(Path folder, Results results) throws IOException {
    int layers = 10_000;
    TimelineSettings small =
        new TimelineSettings(64L << 20, 32L << 20, 32 << 10, Duration.ofMinutes(10), 2)
            .withCompaction(
                new CompactionSettings(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1, 1L << 40));
    Path data = folder.resolve("branches");
    double[] milliseconds = new double[100];
    try (var fixture = new StorageFixture(data, small)) {
      Timeline timeline = fixture.make("branched", layers * 4);
      if (timeline.layerCount() < layers * 9 / 10) {
        throw new IllegalStateException(timeline.layerCount() + " layers only");
      }
      for (int i = 0; i < milliseconds.length; i++) {
        long started = System.nanoTime();
        fixture.tenants().branch(timeline, new TimelineId(2, i), "b" + i, StorageFixture.START);
        milliseconds[i] = (System.nanoTime() - started) / 1e6;
      }
      results.note(
          "branch of a timeline with %,d layers".formatted(timeline.layerCount()),
          "ms",
          Results.median(milliseconds),
          "limit",
          5,
          false,
          milliseconds.length);
    }
    Trees.delete(data);
  }
}
