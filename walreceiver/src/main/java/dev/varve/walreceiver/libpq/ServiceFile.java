package dev.varve.walreceiver.libpq;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Connection parameters under a name: `~/.pg_service.conf`, or what `PGSERVICEFILE` names, then
/// `pg_service.conf` in the folder that `PGSYSCONFDIR` names, or in `/etc/postgresql-common`.
///
/// | line           | meaning                               |
/// |----------------|---------------------------------------|
/// | `[name]`       | the parameters of this service follow |
/// | `name=value`   | one of them; no spaces, no quotes     |
/// | empty, `#` …   | nothing                               |
///
/// PostgreSQL's manual, section "The Connection Service File".
final class ServiceFile {

  private static final long LONGEST = 1 << 20;

  private ServiceFile() {}

  /// The parameters of a service.
  ///
  /// @throws IllegalArgumentException when no file has it, or the one that does can't be read
  static Map<String, String> find(String service, Environment environment) {
    List<Path> files =
        List.of(
            environment.path("PGSERVICEFILE", environment.home().resolve(".pg_service.conf")),
            environment
                .path("PGSYSCONFDIR", Path.of("/etc/postgresql-common"))
                .resolve("pg_service.conf"));
    for (Path file : files) {
      Optional<Map<String, String>> found =
          Files.isRegularFile(file) ? find(service, file) : Optional.empty();
      if (found.isPresent()) {
        return found.get();
      }
    }
    throw new IllegalArgumentException(
        "there is no service \"%s\" in %s or %s"
            .formatted(service, files.getFirst(), files.getLast()));
  }

  private static Optional<Map<String, String>> find(String service, Path file) {
    Map<String, String> found = null;
    for (String line : lines(file)) {
      String text = line.strip();
      if (text.startsWith("[")) {
        if (found != null) {
          break;
        }
        found = text.equals("[" + service + "]") ? new LinkedHashMap<>() : null;
      } else if (found != null && !text.isEmpty() && !text.startsWith("#")) {
        int equals = text.indexOf('=');
        if (equals <= 0 || text.startsWith("service")) {
          throw new IllegalArgumentException(
              "the service \"%s\" in %s has a line that is no parameter".formatted(service, file));
        }
        found.putIfAbsent(text.substring(0, equals), text.substring(equals + 1));
      }
    }
    return Optional.ofNullable(found);
  }

  private static List<String> lines(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw new IOException("it is longer than 1 MiB");
      }
      return Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "the service file " + file + " can't be read: " + e.getMessage(), e);
    }
  }
}
