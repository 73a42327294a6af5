package dev.varve.timeline;

import dev.varve.layer.FinishedLayer;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerName;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The directory of one timeline:
///
/// | file              | content                                                            |
/// |-------------------|--------------------------------------------------------------------|
/// | `timeline.json`   | what never changes: {@link TimelineIdentity}, and the first index  |
/// | `index_part.json` | what does: {@link IndexPart}; replaced as a whole                  |
/// | layer files       | named after what they hold; they count when the index part says so |
/// | `stopped`         | empty; there while the timeline is stopped by request              |
/// | `….___temp`       | not complete; deleted when the timeline is opened                  |
///
/// Both JSON files are {@link CheckedJson}. LSNs are written as PostgreSQL prints them.
///
/// A timeline begins with the one file, because every file is a wait for the disk: its index part
/// is the `first_index` in it, and gets a file of its own when it changes, or before the first
/// layer file has its name. So layer files without `index_part.json` mean that it was lost.
final class TimelineFiles {

  static final String IDENTITY = "timeline.json";
  static final String INDEX = "index_part.json";
  static final String STOPPED = "stopped";
  private static final String FIRST_INDEX = "first_index";

  /// Format 1, which is read as well, has neither `level` nor `from` of layers.
  private static final int FORMAT = 2;

  private static final int READ_SIZE = 64 << 10;

  private final Path directory;
  private final AtomicLong temporaries = new AtomicLong();

  /// Whether the index part is known to have a file of its own, durably. Guarded by this.
  private boolean hasIndexFile;

  TimelineFiles(Path directory) {
    this.directory = directory;
  }

  Path directory() {
    return directory;
  }

  Path layer(LayerName name) {
    return directory.resolve(name.fileName());
  }

  /// The name of a layer that no file has yet, nor one that the index part names and that is
  /// missing: it may be put back.
  LayerName unused(LayerName wanted, IndexPart index) {
    LayerName name = wanted;
    while (Files.exists(layer(name)) || index.names(name)) {
      name = name.withCopy(name.copy() + 1);
    }
    return name;
  }

  /// A name that no file has.
  Path temporary(String purpose) {
    Path file;
    do {
      file =
          directory.resolve(purpose + "-" + temporaries.incrementAndGet() + DurableFile.TEMPORARY);
    } while (Files.exists(file)); // left by a crash, and not deleted since other files are damaged
    return file;
  }

  /// Writes what a timeline that is being made begins with; it counts from then on.
  void create(TimelineIdentity identity, IndexPart index) throws IOException {
    ObjectNode json = json(identity);
    json.set(FIRST_INDEX, json(index));
    DurableFile.write(directory.resolve(IDENTITY), CheckedJson.bytes(json));
    DurableFile.syncDirectory(directory);
  }

  /// Whether a crash came while this timeline was being made: {@link #create} is all that has been
  /// done, and it did not get far.
  boolean isUnfinished() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      if (files.anyMatch(file -> !file.getFileName().toString().equals(IDENTITY))) {
        return false;
      }
    }
    Path identity = directory.resolve(IDENTITY);
    return !Files.exists(identity) || CheckedJson.isUnfinished(identity);
  }

  /// Makes a finished layer durable under its own name; deletes it when that fails.
  Path commit(FinishedLayer finished) throws IOException {
    try {
      giveIndexAFile();
      return LayerFiles.commit(finished, directory);
    } catch (IOException e) {
      try {
        Files.deleteIfExists(finished.temporary());
      } catch (IOException next) {
        e.addSuppressed(next);
      }
      throw e;
    }
  }

  private synchronized void giveIndexAFile() throws IOException {
    if (hasIndexFile) {
      return;
    }
    if (Files.exists(directory.resolve(INDEX))) {
      DurableFile.syncDirectory(directory); // it may be there because that has failed
      hasIndexFile = true;
    } else {
      writeIndex(firstIndex());
    }
  }

  synchronized void writeIndex(IndexPart index) throws IOException {
    DurableFile.replace(directory.resolve(INDEX), CheckedJson.bytes(json(index)));
    hasIndexFile = true;
  }

  private static ObjectNode json(TimelineIdentity identity) {
    ObjectNode json = CheckedJson.object();
    json.put("format", FORMAT);
    json.put("tenant", identity.tenant().toString());
    json.put("timeline", identity.id().toString());
    json.put("name", identity.name());
    json.put("pg_version", identity.pgVersion());
    identity.ancestor().ifPresent(ancestor -> json.put("ancestor", ancestor.toString()));
    json.put("start", identity.start().toString());
    json.put("created", identity.created().toString());
    ObjectNode properties = json.putObject("properties");
    identity.properties().forEach(properties::put);
    return json;
  }

  private static ObjectNode json(IndexPart index) {
    ObjectNode json = CheckedJson.object();
    json.put("format", FORMAT);
    json.put("disk_consistent_lsn", index.diskConsistentLsn().toString());
    json.put("readable_from", index.readableFrom().toString());
    json.put("imported", index.imported());
    if (!index.leases().isEmpty()) {
      var leases = json.putArray("leases");
      for (Lease lease : index.leases()) {
        leases
            .addObject()
            .put("lsn", lease.lsn().toString())
            .put("until", lease.until().toString());
      }
    }
    var layers = json.putArray("layers");
    for (LayerEntry entry : index.layers()) {
      layers
          .addObject()
          .put("name", entry.name().fileName())
          .put("bytes", entry.bytes())
          .put("crc32c", HexFormat.of().toHexDigits(entry.crc()))
          .put("level", entry.level())
          .put("from", entry.from().toString());
    }
    return json;
  }

  /// @throws IOException with a sentence, when the file is missing or not what was written
  TimelineIdentity readIdentity() throws IOException {
    JsonNode json = read(IDENTITY);
    try {
      Map<String, String> properties = new HashMap<>();
      json.path("properties")
          .properties()
          .forEach(entry -> properties.put(entry.getKey(), entry.getValue().asString()));
      String ancestor = json.path("ancestor").asString("");
      return new TimelineIdentity(
          TenantId.parse(text(json, "tenant")),
          TimelineId.parse(text(json, "timeline")),
          text(json, "name"),
          json.path("pg_version").asInt(),
          ancestor.isEmpty() ? Optional.empty() : Optional.of(TimelineId.parse(ancestor)),
          Lsn.parse(text(json, "start")),
          Instant.parse(text(json, "created")),
          properties);
    } catch (IllegalArgumentException | DateTimeException e) {
      throw new UnusableFileException(
          directory.resolve(IDENTITY) + " is damaged: " + e.getMessage(), e);
    }
  }

  /// @throws IOException with a sentence, when the file is missing or not what was written
  IndexPart readIndex() throws IOException {
    return Files.exists(directory.resolve(INDEX)) ? index(read(INDEX), INDEX) : firstIndex();
  }

  private IndexPart firstIndex() throws IOException {
    JsonNode first = read(IDENTITY).path(FIRST_INDEX);
    if (!first.isObject() || hasLayers()) {
      throw new UnusableFileException(directory.resolve(INDEX) + " is missing");
    }
    return index(first, IDENTITY);
  }

  private boolean hasLayers() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.anyMatch(file -> LayerName.parse(file.getFileName().toString()).isPresent());
    }
  }

  /// @param file where the JSON is from
  private IndexPart index(JsonNode json, String file) throws IOException {
    try {
      List<LayerEntry> layers = new ArrayList<>();
      for (JsonNode layer : json.path("layers")) {
        layers.add(entry(layer));
      }
      List<Lease> leases = new ArrayList<>();
      for (JsonNode lease : json.path("leases")) {
        leases.add(new Lease(Lsn.parse(text(lease, "lsn")), Instant.parse(text(lease, "until"))));
      }
      return new IndexPart(
          Lsn.parse(text(json, "disk_consistent_lsn")),
          Lsn.parse(text(json, "readable_from")),
          json.path("imported").asBoolean(),
          layers,
          leases);
    } catch (IllegalArgumentException | DateTimeException e) {
      throw new UnusableFileException(
          directory.resolve(file) + " is damaged: " + e.getMessage(), e);
    }
  }

  private static LayerEntry entry(JsonNode layer) {
    String text = text(layer, "name");
    LayerName name =
        LayerName.parse(text)
            .orElseThrow(() -> new IllegalArgumentException(text + " is no layer"));
    String from = layer.path("from").asString("");
    return new LayerEntry(
        name,
        layer.path("bytes").asLong(),
        HexFormat.fromHexDigits(text(layer, "crc32c")),
        layer.path("level").asInt(LayerEntry.firstLevel(name)),
        from.isEmpty() ? name.keys().start() : Key.parse(from));
  }

  private JsonNode read(String file) throws IOException {
    Path path = directory.resolve(file);
    if (!Files.exists(path)) {
      throw new UnusableFileException(path + " is missing");
    }
    JsonNode json = CheckedJson.read(path);
    int format = json.path("format").asInt();
    if (format < 1 || format > FORMAT) {
      throw new UnusableFileException(
          path + " has format " + format + "; this version of Varve reads up to " + FORMAT);
    }
    return json;
  }

  private static String text(JsonNode json, String member) {
    String text = json.path(member).asString("");
    if (text.isEmpty()) {
      throw new IllegalArgumentException(member + " is missing");
    }
    return text;
  }

  /// Looks for what is wrong with a layer file that the index part names, without reading it.
  ///
  /// @return what follows the file's name in a sentence; null when there is nothing
  @Nullable String findDamage(LayerEntry entry) throws IOException {
    BasicFileAttributes file;
    try {
      file = Files.readAttributes(layer(entry.name()), BasicFileAttributes.class);
    } catch (NoSuchFileException _) {
      return "is missing";
    }
    if (!file.isRegularFile()) {
      return "is no file";
    }
    return file.size() == entry.bytes()
        ? null
        : "has " + file.size() + " bytes instead of " + entry.bytes();
  }

  /// The same, but reads all of it.
  @Nullable String findDamageWithin(LayerEntry entry) throws IOException {
    String finding = findDamage(entry);
    if (finding != null) {
      return finding;
    }
    var crc = new CRC32C();
    try (FileChannel file = FileChannel.open(layer(entry.name()), StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocate(READ_SIZE);
      while (file.read(buffer) >= 0) {
        crc.update(buffer.flip());
        buffer.clear();
      }
    }
    return (int) crc.getValue() == entry.crc()
        ? null
        : "is not what was written: its checksum is wrong";
  }

  /// Whether the timeline was stopped, by request.
  boolean isStopped() {
    return Files.exists(directory.resolve(STOPPED));
  }

  /// Notes durably whether the timeline is stopped. When that can't be noted, it is not.
  void setStopped(boolean stopped) throws IOException {
    if (!stopped) {
      Files.deleteIfExists(directory.resolve(STOPPED));
      DurableFile.syncDirectory(directory);
      return;
    }
    try {
      DurableFile.write(directory.resolve(STOPPED), new byte[0]);
      DurableFile.syncDirectory(directory);
    } catch (IOException e) {
      try {
        setStopped(false);
      } catch (IOException next) {
        e.addSuppressed(next);
      }
      throw e;
    }
  }

  /// Deletes what a crash left behind: files that are not complete, and layers that the index part
  /// does not name.
  void deleteUnlisted(IndexPart index) throws IOException {
    Set<String> listed =
        index.layers().stream()
            .map(entry -> entry.name().fileName())
            .collect(Collectors.toUnmodifiableSet());
    List<Path> unlisted = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      files.filter(file -> isLeftOver(file, listed)).forEach(unlisted::add);
    }
    for (Path file : unlisted) {
      Files.delete(file);
    }
  }

  private static boolean isLeftOver(Path file, Set<String> listed) {
    String name = file.getFileName().toString();
    return name.endsWith(DurableFile.TEMPORARY)
        || (!listed.contains(name) && LayerName.parse(name).isPresent());
  }
}
