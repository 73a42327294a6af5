package dev.varve.server.follow;

import dev.varve.model.TimelineId;
import dev.varve.walreceiver.Source;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.Environment;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/// Which server each timeline follows, kept in `sources/<timeline>.json` of the data directory.
///
/// | field       | holds                                                                |
/// |-------------|----------------------------------------------------------------------|
/// | `conninfo`  | the connection string, with the password if one was given            |
/// | `slot`      | the replication slot at the source                                   |
/// | `system_id` | the cluster's system identifier, unsigned                            |
/// | `major`     | its major version                                                    |
///
/// The files hold secrets: only their owner may read them. A file is replaced whole and durably.
/// Thread-safe, one writer a timeline.
final class SourceFiles {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SUFFIX = ".json";

  private final Path folder;

  SourceFiles(Path data) throws IOException {
    this.folder = data.resolve("sources");
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(data);
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
  }

  /// All of them.
  ///
  /// @throws IOException naming the file that can't be read
  Map<TimelineId, Source> readAll() throws IOException {
    var sources = new LinkedHashMap<TimelineId, Source>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        try {
          TimelineId id = TimelineId.parse(name.substring(0, name.length() - SUFFIX.length()));
          sources.put(id, read(file));
        } catch (JacksonException | IllegalArgumentException e) {
          throw new IOException(
              file + " can't be read (" + e.getMessage() + "); move it away to start without it",
              e);
        }
      }
    }
    return sources;
  }

  private static Source read(Path file) throws IOException {
    JsonNode json = JSON.readTree(Files.readAllBytes(file));
    return new Source(
        ConnectionInfo.parse(json.required("conninfo").asString(), Environment.ofHome()),
        Optional.of(json.required("slot").asString()),
        Long.parseUnsignedLong(json.required("system_id").asString()),
        json.required("major").asInt());
  }

  void write(TimelineId id, Source source) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("conninfo", source.connection().toSecretString());
    json.put("slot", source.slot().orElseThrow());
    json.put("system_id", Long.toUnsignedString(source.systemId()));
    json.put("major", source.major());
    Path temporary = folder.resolve(id + ".tmp");
    Files.deleteIfExists(temporary);
    try (FileChannel file =
        FileChannel.open(
            temporary,
            EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer bytes = ByteBuffer.wrap(JSON.writeValueAsBytes(json));
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
      file.force(true);
    }
    Files.move(temporary, path(id), StandardCopyOption.ATOMIC_MOVE);
    syncFolder();
  }

  void delete(TimelineId id) throws IOException {
    Files.deleteIfExists(path(id));
    syncFolder();
  }

  /// Where the source of a timeline is noted.
  Path path(TimelineId id) {
    return folder.resolve(id + SUFFIX);
  }

  private void syncFolder() throws IOException {
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }
}
