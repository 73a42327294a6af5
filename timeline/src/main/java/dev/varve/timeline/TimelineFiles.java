package dev.varve.timeline;

import dev.varve.layer.FinishedLayer;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
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
/// |                   | and may be missing where there is an object store; modified when   |
/// |                   | last used, as far as that was noted ({@link DurableIndex#rest})    |
/// | `stopped`         | empty; there while the timeline is stopped by request              |
/// | `evicted`         | empty; there when layers may be in the object store only           |
/// | `….___temp`       | not complete; deleted when the timeline is opened                  |
///
/// Both JSON files are {@link CheckedJson}: {@link IdentityJson} and {@link IndexJson}.
///
/// A timeline begins with the one file, because every file is a wait for the disk: its index part
/// is the `first_index` in it, and gets a file of its own when it changes, or before the first
/// layer file has its name. So layer files without `index_part.json` mean that it was lost; so does
/// `evicted`.
final class TimelineFiles {

  static final String IDENTITY = "timeline.json";
  static final String INDEX = "index_part.json";
  static final String STOPPED = "stopped";
  static final String EVICTED = "evicted";
  private static final String FIRST_INDEX = "first_index";

  private static final int READ_SIZE = 64 << 10;

  private final Path directory;
  private final AtomicLong temporaries = new AtomicLong();

  /// Whether the index part is known to have a file of its own, durably. Guarded by this.
  private boolean hasIndexFile;

  /// Whether {@link #EVICTED} is known to be there, durably. Guarded by this.
  private boolean hasNotedEvicted;

  TimelineFiles(Path directory) {
    this.directory = directory;
  }

  Path directory() {
    return directory;
  }

  Path layer(LayerName name) {
    return directory.resolve(name.fileName());
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
    ObjectNode json = IdentityJson.write(identity);
    json.set(FIRST_INDEX, IndexJson.write(index));
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
    DurableFile.replace(directory.resolve(INDEX), CheckedJson.bytes(IndexJson.write(index)));
    hasIndexFile = true;
  }

  /// @throws IOException with a sentence, when the file is missing or not what was written
  TimelineIdentity readIdentity() throws IOException {
    return IdentityJson.read(read(IDENTITY), directory.resolve(IDENTITY).toString());
  }

  /// @throws IOException with a sentence, when the file is missing or not what was written
  IndexPart readIndex() throws IOException {
    Path index = directory.resolve(INDEX);
    return Files.exists(index) ? IndexJson.read(read(INDEX), index.toString()) : firstIndex();
  }

  private IndexPart firstIndex() throws IOException {
    JsonNode first = read(IDENTITY).path(FIRST_INDEX);
    if (!first.isObject() || hasLayers() || Files.exists(directory.resolve(EVICTED))) {
      throw new UnusableFileException(directory.resolve(INDEX) + " is missing");
    }
    return IndexJson.read(first, directory.resolve(IDENTITY).toString());
  }

  /// Notes durably that layers may be in the object store only: that there are no layer files does
  /// not mean any more that there never was one.
  synchronized void noteEvicted() throws IOException {
    if (!hasNotedEvicted) {
      giveIndexAFile();
      if (!Files.exists(directory.resolve(EVICTED))) {
        DurableFile.write(directory.resolve(EVICTED), new byte[0]);
      }
      DurableFile.syncDirectory(directory);
      hasNotedEvicted = true;
    }
  }

  private boolean hasLayers() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.anyMatch(file -> LayerName.parse(file.getFileName().toString()).isPresent());
    }
  }

  private JsonNode read(String file) throws IOException {
    Path path = directory.resolve(file);
    if (!Files.exists(path)) {
      throw new UnusableFileException(path + " is missing");
    }
    return CheckedJson.read(path);
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
    try (FileChannel file = FileChannel.open(layer(entry.name()), StandardOpenOption.READ)) {
      return crc(file) == entry.crc() ? null : "is not what was written: its checksum is wrong";
    }
  }

  /// CRC-32C of a whole file.
  static int crc(FileChannel file) throws IOException {
    var crc = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocate(READ_SIZE);
    long at = 0;
    for (int count = file.read(buffer, at); count >= 0; count = file.read(buffer, at)) {
      at += count;
      crc.update(buffer.flip());
      buffer.clear();
    }
    return (int) crc.getValue();
  }

  /// Hands over the layer files that are here; the modification time of one is when its layer was
  /// last used, as far as that is known without the layer.
  void forEachLayer(BiConsumer<LayerName, BasicFileAttributes> action) throws IOException {
    List<LayerName> names = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      files.forEach(file -> LayerName.parse(file.getFileName().toString()).ifPresent(names::add));
    }
    for (LayerName name : names) {
      try {
        action.accept(name, Files.readAttributes(layer(name), BasicFileAttributes.class));
      } catch (NoSuchFileException _) {
        // It was merged meanwhile.
      }
    }
  }

  /// Gives a layer file its name that was fetched from the object store, and is whole and synced.
  void arrive(Path temporary, LayerName name) throws IOException {
    Files.move(temporary, layer(name), StandardCopyOption.ATOMIC_MOVE);
    try {
      DurableFile.syncDirectory(directory);
    } catch (IOException e) {
      Files.deleteIfExists(layer(name));
      throw e;
    }
  }

  /// Puts a layer file that is whole and synced in the place of one that is damaged.
  void replace(Path temporary, LayerName name) throws IOException {
    Files.move(temporary, layer(name), StandardCopyOption.ATOMIC_MOVE);
    DurableFile.syncDirectory(directory);
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
