package dev.varve.bench;

import dev.varve.model.Key;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.RetentionSettings;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineCounts;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/// Reads of random pages of a timeline of 10 GiB while it is written, flushed, merged and collected
/// as fast as it goes, beside the same reads when nothing else happens; in a process that has the
/// flags of a server with 512 MiB.
///
/// The child prints its figures as lines of `name=value`.
public final class StorageLoad {

  static final int MEMORY_MIB = 512;
  private static final int PAGES = 10 * (1 << 17);
  private static final int CHANGE = 100;
  private static final Duration PHASE = Duration.ofSeconds(60);

  /// Nanoseconds from one read to the next.
  private static final long BETWEEN = 1_000_000;

  private StorageLoad() {}

  static void run(Path folder, Results results) throws Exception {
    Map<String, Double> figures = child(StorageLoad.class, folder.resolve("load"));
    results.note(
        "read of a page under full load, p99.9",
        "us",
        figure(figures, "busy_p999"),
        "when nothing else happens",
        figure(figures, "quiet_p999"),
        false,
        1);
    results.note(
        "the same, p50",
        "us",
        figure(figures, "busy_p50"),
        "when nothing else happens",
        figure(figures, "quiet_p50"),
        false,
        1);
    results.note(
        "layers visited for a read under full load",
        "",
        figure(figures, "layers"),
        "Neon in production, high percentiles",
        800,
        false,
        1);
    results.note(
        "bytes written for a byte taken in, %.1f GB at %.0f MB/s"
            .formatted(figure(figures, "ingested") / 1e9, figure(figures, "rate")),
        "",
        figure(figures, "amplification"),
        "limit",
        2.5,
        false,
        1);
    results.note(
        "peak memory (VmHWM) with a timeline of 10 GiB",
        "MiB",
        figure(figures, "peak"),
        "--memory",
        MEMORY_MIB,
        false,
        1);
  }

  static double figure(Map<String, Double> figures, String name) {
    Double value = figures.get(name);
    if (value == null) {
      throw new IllegalStateException("the child did not print " + name + ": " + figures);
    }
    return value;
  }

  /// What a program prints that runs with the flags of a server.
  static Map<String, Double> child(Class<?> program, Path data) throws Exception {
    var command = new ArrayList<String>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(serverFlags());
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), program.getName(), data.toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .redirectOutput(ProcessBuilder.Redirect.PIPE)
            .start();
    var figures = new HashMap<String, Double>();
    for (String line :
        new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8)
            .lines()
            .toList()) {
      int equals = line.indexOf('=');
      if (equals > 0) {
        figures.put(line.substring(0, equals), Double.valueOf(line.substring(equals + 1)));
      }
    }
    if (process.waitFor() != 0) {
      throw new IOException("the process under load ended with " + process.exitValue());
    }
    return figures;
  }

  /// What the launcher gives a server's JVM.
  private static List<String> serverFlags() throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                System.getProperty("varve.launcher"),
                "server-flags",
                "--memory",
                MEMORY_MIB + "MiB")
            .start();
    String text =
        new String(
            process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("the launcher does not say its flags");
    }
    return text.lines().filter(line -> line.startsWith("-")).toList();
  }

  /// The child.
  public static void main(String[] args) throws Exception {
    long budget = Long.getLong("varve.memory");
    TimelineSettings settings =
        new TimelineSettings(
                budget * 3 / 8, budget / 8, budget * 3 / 8 / 6, Duration.ofMinutes(10), 2)
            .withRetention(
                new RetentionSettings(8 * (1 << 20), Duration.ZERO, Duration.ofSeconds(5)));
    try (var fixture = new StorageFixture(Path.of(args[0]), settings)) {
      Timeline timeline = fixture.make("loaded", PAGES);
      reads(timeline, Duration.ofSeconds(10)); // as a server that has run for a while
      double[] quiet = reads(timeline, PHASE);
      print("quiet_p50", percentile(quiet, 0.5));
      print("quiet_p999", percentile(quiet, 0.999));
      TimelineCounts before = timeline.metrics().counts();
      long started = System.nanoTime();
      var done = new AtomicBoolean();
      Thread writer = Thread.ofPlatform().start(() -> write(timeline, done));
      reads(timeline, Duration.ofSeconds(10));
      double[] busy = reads(timeline, PHASE);
      reads(timeline, PHASE); // so that merges of higher levels count
      done.set(true);
      writer.join();
      double seconds = (System.nanoTime() - started) / 1e9;
      TimelineCounts after = timeline.metrics().counts();
      double ingested = after.bytesIngested() - before.bytesIngested();
      print("busy_p50", percentile(busy, 0.5));
      print("busy_p999", percentile(busy, 0.999));
      print("ingested", ingested);
      print("rate", ingested / 1e6 / seconds);
      print(
          "amplification",
          (after.bytesFlushed()
                  - before.bytesFlushed()
                  + after.bytesCompacted()
                  - before.bytesCompacted())
              / ingested);
      print(
          "layers",
          (double) (after.layersVisited() - before.layersVisited())
              / (after.pagesRead() - before.pagesRead()));
      print("peak", peakMiB());
    }
  }

  static void print(String name, double value) {
    System.out.println(name + "=" + value);
  }

  private static void write(Timeline timeline, AtomicBoolean done) {
    var random = new SplittableRandom(2);
    MemorySegment bytes = Arena.ofAuto().allocate(1 << 20);
    for (long at = 0; at < bytes.byteSize(); at += 2 * Long.BYTES) {
      bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, at, random.nextLong());
    }
    try (Ingest ingest = timeline.ingest()) {
      long lsn = timeline.lastRecordLsn().value();
      while (!done.get()) {
        lsn += 8;
        // Some pages are changed more often than others.
        int block = (int) (PAGES * Math.pow(random.nextDouble(), 4));
        Key key = StorageFixture.key(block);
        long from = random.nextInt((1 << 20) - CHANGE);
        ingest.change(key.upper(), key.middle(), key.lower(), lsn, false, bytes, from, CHANGE);
        ingest.advance(lsn);
      }
    }
  }

  /// Reads at a fixed rate, whatever the reads before took.
  ///
  /// @return microseconds of each read, from when it was due
  private static double[] reads(Timeline timeline, Duration duration) {
    var random = new SplittableRandom(System.nanoTime());
    MemorySegment page = Arena.ofAuto().allocate(StorageFixture.PAGE);
    double[] times = new double[(int) (duration.toNanos() / BETWEEN)];
    long begin = System.nanoTime();
    for (int i = 0; i < times.length; i++) {
      long due = begin + i * BETWEEN;
      for (long now = System.nanoTime(); now < due; now = System.nanoTime()) {
        LockSupport.parkNanos(due - now);
      }
      int block = random.nextInt(PAGES);
      timeline.page(StorageFixture.key(block), timeline.lastRecordLsn(), page);
      times[i] = (System.nanoTime() - due) / 1e3;
    }
    return times;
  }

  private static double percentile(double[] values, double part) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[(int) ((sorted.length - 1) * part)];
  }

  static double peakMiB() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024.0;
      }
    }
    throw new IOException("no VmHWM");
  }
}
