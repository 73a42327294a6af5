package dev.varve.bench;

import dev.varve.cluster.Trees;
import dev.varve.model.TimelineId;
import dev.varve.timeline.CompactionSettings;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Starting with many timelines of many layers, in a process that has the flags of a server: how
/// long until all can be read, what an idle one takes of the heap, and all of memory. The layer
/// files of all are hard links of one timeline's, the only one whose files can be read.
///
/// The child prints its figures as lines of `name=value`.
public final class StorageStart {

  private static final int TIMELINES = 1_000;
  private static final int LAYERS = 1_000;
  private static final int LIMIT_KIB = 64;

  /// The first are slower: code that has never run.
  private static final int WAKES = 99;

  private StorageStart() {}

  static void run(Path folder, Results results) throws Exception {
    Path data = folder.resolve("start");
    try (var fixture = new StorageFixture(data, settings())) {
      fixture.make("t0", LAYERS * 4);
    }
    multiply(data);
    Map<String, Double> figures = StorageLoad.child(StorageStart.class, data);
    String what =
        "start with %,.0f timelines of %,.0f layers"
            .formatted(
                StorageLoad.figure(figures, "timelines"), StorageLoad.figure(figures, "layers"));
    results.note(
        what,
        "s",
        StorageLoad.figure(figures, "seconds"),
        "Neon, 20,000 tenants of 9 layers",
        368,
        false,
        1);
    results.note(
        what + ", heap for each",
        "KiB",
        StorageLoad.figure(figures, "heap"),
        "limit",
        LIMIT_KIB,
        false,
        1);
    results.note(
        what + ", peak memory (VmHWM)",
        "MiB",
        StorageLoad.figure(figures, "peak"),
        "--memory",
        StorageLoad.MEMORY_MIB,
        false,
        1);
    results.note(
        "first read of an idle timeline of so many layers",
        "ms",
        StorageLoad.figure(figures, "wake"),
        "of a file that is not open, the next",
        StorageLoad.figure(figures, "next"),
        false,
        WAKES);
    Trees.delete(data);
  }

  /// Small layers, which nothing merges.
  private static TimelineSettings settings() {
    return new TimelineSettings(64L << 20, 32L << 20, 32 << 10, Duration.ofMinutes(10), 2)
        .withCompaction(new CompactionSettings(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1, 1L << 40));
  }

  /// The child.
  public static void main(String[] args) throws Exception {
    long before = usedHeap();
    long started = System.nanoTime();
    try (var fixture = new StorageFixture(Path.of(args[0]), settings())) {
      StorageLoad.print("seconds", (System.nanoTime() - started) / 1e9);
      int timelines = fixture.tenants().timelines().size();
      StorageLoad.print("timelines", timelines);
      StorageLoad.print(
          "layers",
          fixture.tenants().timelines().stream()
              .mapToInt(Timeline::layerCount)
              .average()
              .orElseThrow());
      StorageLoad.print("heap", (usedHeap() - before) / 1024.0 / timelines);
      Timeline timeline = fixture.tenants().find("t0").orElseThrow();
      double[] first = new double[WAKES];
      double[] next = new double[WAKES];
      for (int i = 0; i < WAKES; i++) {
        timeline.rest();
        first[i] = millisToRead(timeline, i);
        next[i] = millisToRead(timeline, LAYERS + i);
      }
      StorageLoad.print("wake", Results.median(first));
      StorageLoad.print("next", Results.median(next));
      StorageLoad.print("peak", StorageLoad.peakMiB());
    }
  }

  private static double millisToRead(Timeline timeline, int block) {
    var page = MemorySegment.ofArray(new byte[StorageFixture.PAGE]);
    long started = System.nanoTime();
    timeline.page(StorageFixture.key(block), StorageFixture.START, page);
    return (System.nanoTime() - started) / 1e6;
  }

  /// Makes copies of the one timeline there is, with ids and names of their own.
  private static void multiply(Path data) throws IOException {
    Path first;
    try (Stream<Path> all = Files.walk(data)) {
      first =
          all.filter(file -> file.getFileName().toString().equals("timeline.json"))
              .findFirst()
              .orElseThrow()
              .resolveSibling(".")
              .normalize();
    }
    List<Path> files;
    try (Stream<Path> all = Files.list(first)) {
      files = all.toList();
    }
    String id = first.getFileName().toString();
    for (int i = 1; i < TIMELINES; i++) {
      String newId = new TimelineId(9, i).toString();
      Path copy = Files.createDirectory(first.resolveSibling(newId));
      for (Path file : files) {
        Path target = copy.resolve(file.getFileName());
        if (file.toString().endsWith(".json")) {
          String content =
              content(Files.readString(file))
                  .replace("\"timeline\":\"" + id, "\"timeline\":\"" + newId)
                  .replace("\"name\":\"t0\"", "\"name\":\"t" + i + "\"");
          Files.writeString(target, checked(content));
        } else {
          Files.createLink(target, file);
        }
      }
    }
  }

  private static String content(String json) {
    return json.substring(json.indexOf("{", 1), json.lastIndexOf('}'));
  }

  private static String checked(String content) {
    var crc = new CRC32C();
    crc.update(content.getBytes(StandardCharsets.UTF_8));
    String digits = HexFormat.of().toHexDigits((int) crc.getValue());
    return "{\"crc32c\":\"" + digits + "\",\"content\":" + content + "}\n";
  }

  private static long usedHeap() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
