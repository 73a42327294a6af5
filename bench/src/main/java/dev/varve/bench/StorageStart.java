package dev.varve.bench;

import dev.varve.cluster.Trees;
import dev.varve.model.TimelineId;
import dev.varve.timeline.CompactionSettings;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Starting with many timelines of many layers: how long until all can be read, and what an idle
/// one takes of the heap. The layer files of all are hard links of one timeline's.
final class StorageStart {

  private static final int TIMELINES = 1_000;
  private static final int LAYERS = 1_000;
  private static final int LIMIT_KIB = 64;

  private StorageStart() {}

  static void run(Path folder, Results results) throws IOException {
    Path data = folder.resolve("start");
    TimelineSettings settings =
        new TimelineSettings(64L << 20, 32L << 20, 32 << 10, Duration.ofMinutes(10), 2)
            .withCompaction(
                new CompactionSettings(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1, 1L << 40));
    try (var fixture = new StorageFixture(data, settings)) {
      fixture.make("t0", LAYERS * 4);
    }
    multiply(data);
    long before = usedHeap();
    long started = System.nanoTime();
    try (var fixture = new StorageFixture(data, settings)) {
      double seconds = (System.nanoTime() - started) / 1e9;
      int timelines = fixture.tenants().timelines().size();
      int layers = fixture.tenants().timelines().iterator().next().layerCount();
      double kib = (usedHeap() - before) / 1024.0 / timelines;
      String what = "start with %,d timelines of %,d layers".formatted(timelines, layers);
      results.note(what, "s", seconds, "Neon, 20,000 tenants of 9 layers", 368, false, 1);
      results.note(what + ", heap for each", "KiB", kib, "limit", LIMIT_KIB, false, 1);
    }
    Trees.delete(data);
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
                  .replace(id, newId)
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
