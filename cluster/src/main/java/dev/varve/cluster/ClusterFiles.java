package dev.varve.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The files of a local cluster, how they come to be and go, and the command line on them.
///
/// | below the base directory | holds                                      |
/// |--------------------------|--------------------------------------------|
/// | `data`                   | the data directory, unless it exists        |
/// | `archive`                | archived WAL segments                       |
/// | `log`                    | what the programs print                     |
/// | `password`, `hba`        | what initdb and an existing directory need  |
/// | `.s.PGSQL.<port>`        | the Unix socket                             |
final class ClusterFiles {

  private static final long INITDB_SECONDS = 300;

  /// A socket's path has at most 107 bytes.
  private static final int SOCKET_DIRECTORY_BYTES = 90;

  private static final int SHARED_MEMORY_LINE = 6;

  private final ClusterBuilder options;
  private final ServerUser user;
  private final Path base;
  private final Path data;
  private final ServerLog log;

  ClusterFiles(ClusterBuilder options, ServerUser user, Path base) {
    this.options = options;
    this.user = user;
    this.base = base;
    this.data = options.existing == null ? base.resolve("data") : options.existing;
    this.log = new ServerLog(base.resolve("log"));
  }

  Path base() {
    return base;
  }

  Path data() {
    return data;
  }

  Path archive() {
    return base.resolve("archive");
  }

  ServerLog log() {
    return log;
  }

  Path newDirectory(String name) throws IOException {
    return user.makeDirectory(base.resolve(name));
  }

  /// Runs initdb, or takes over the existing directory.
  void prepare() throws IOException {
    if (options.archive) {
      user.makeDirectory(archive());
    }
    if (options.existing == null) {
      initialize();
    } else {
      adopt(options.existing);
    }
    RecoveryTarget recovery = options.recovery;
    if (recovery != null) {
      Path signal = data.resolve("recovery.signal");
      Files.writeString(signal, "");
      user.ownTree(signal);
    }
  }

  private void initialize() throws IOException {
    user.makeDirectory(data);
    var command = new ArrayList<String>();
    command.add(options.binaries.program("initdb").toString());
    command.add("--pgdata=" + data);
    command.add("--username=" + options.superuser);
    command.add("--auth=" + options.authentication);
    command.add("--encoding=UTF8");
    command.add("--locale=C");
    command.add("--no-sync");
    if (options.checksums) {
      command.add("--data-checksums");
    } else if (options.binaries.major() >= 18) {
      command.add("--no-data-checksums");
    }
    String password = options.password;
    if (password != null) {
      Path file = base.resolve("password");
      Files.writeString(file, password);
      user.own(file);
      command.add("--pwfile=" + file);
    }
    command.addAll(options.initdb);
    run(command);
    configure();
  }

  private void run(List<String> command) throws IOException {
    log.begin();
    Process process =
        environment(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.file().toFile()))
            .start();
    process.getOutputStream().close();
    try {
      if (!process.waitFor(INITDB_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new ServerFailedException("initdb failed", log.tail());
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new IOException("interrupted in initdb", e));
    }
  }

  private void configure() throws IOException {
    var lines = new StringBuilder("\n");
    settings().forEach((name, value) -> lines.append(name).append(" = ").append(quote(value)));
    Files.writeString(data.resolve("postgresql.conf"), lines, StandardOpenOption.APPEND);
    if (!options.hba.isEmpty()) {
      Path hba = data.resolve("pg_hba.conf");
      String rest = Files.readString(hba);
      Files.writeString(hba, String.join("\n", options.hba) + "\n" + rest);
    }
  }

  private static String quote(String value) {
    return "'" + value.replace("'", "''") + "'\n";
  }

  private Map<String, String> settings() {
    var settings = new LinkedHashMap<String, String>();
    // Files instead of POSIX shared memory, which a killed server would leave behind.
    settings.put("dynamic_shared_memory_type", "mmap");
    if (options.archive) {
      settings.put("archive_mode", "on");
      settings.put(
          "archive_command",
          "cp \"%p\" \"{0}/%f.part\" && mv \"{0}/%f.part\" \"{0}/%f\""
              .replace("{0}", archive().toString()));
    }
    if (options.recovery != null) {
      settings.putAll(options.recovery.settings());
    }
    settings.putAll(options.settings);
    return settings;
  }

  private void adopt(Path directory) throws IOException {
    user.ownTree(directory);
    user.own(directory);
    Path tablespaces = directory.resolve("pg_tblspc");
    if (Files.isDirectory(tablespaces)) {
      try (DirectoryStream<Path> links = Files.newDirectoryStream(tablespaces)) {
        for (Path link : links) {
          if (Files.isSymbolicLink(link) && Files.isDirectory(link)) {
            user.ownTree(link.toRealPath());
          }
        }
      }
    }
    if (!options.hba.isEmpty()) {
      Path hba = base.resolve("hba");
      Files.writeString(hba, String.join("\n", options.hba) + "\n", StandardCharsets.UTF_8);
      user.own(hba);
    }
  }

  /// The command line of the server.
  ProcessBuilder program(int port) {
    var command = new ArrayList<String>();
    command.add(options.binaries.program("postgres").toString());
    command.add("-D");
    command.add(data.toString());
    var fixed = new LinkedHashMap<String, String>();
    fixed.put("listen_addresses", "127.0.0.1");
    fixed.put("port", String.valueOf(port));
    fixed.put("unix_socket_directories", socketDirectory());
    fixed.put("logging_collector", "off");
    fixed.put("log_destination", "stderr");
    if (options.existing != null) {
      fixed.putAll(settings());
      if (!options.hba.isEmpty()) {
        fixed.put("hba_file", base.resolve("hba").toString());
      }
    }
    fixed.forEach((name, value) -> {
      command.add("-c");
      command.add(name + "=" + value);
    });
    return environment(command);
  }

  private String socketDirectory() {
    return base.toString().getBytes(StandardCharsets.UTF_8).length > SOCKET_DIRECTORY_BYTES
        ? ""
        : base.toString();
  }

  /// As the server's user, in a directory that it can enter, without this JVM's PostgreSQL
  /// variables.
  private ProcessBuilder environment(List<String> command) {
    var program = new ProcessBuilder(user.command(command)).directory(base.toFile());
    program.environment().keySet().removeIf(name -> name.startsWith("PG"));
    program.environment().put("HOME", base.toString());
    program.environment().put("LC_ALL", "C");
    return program;
  }

  /// Deletes all but an existing data directory.
  void delete() throws IOException {
    releaseSharedMemory();
    Trees.delete(base);
  }

  /// A server that was killed leaves a small System V shared memory segment, which its next start
  /// would remove; there will be none.
  private void releaseSharedMemory() throws IOException {
    String segment = sharedMemory();
    if (segment == null || options.existing != null) {
      return;
    }
    new ProcessBuilder(user.command(List.of("ipcrm", "-m", segment)))
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private @Nullable String sharedMemory() throws IOException {
    List<String> lines;
    try {
      lines = Files.readAllLines(data.resolve("postmaster.pid"));
    } catch (NoSuchFileException e) {
      return null;
    }
    if (lines.size() <= SHARED_MEMORY_LINE) {
      return null;
    }
    String keyAndId = lines.get(SHARED_MEMORY_LINE).strip();
    int gap = keyAndId.lastIndexOf(' ');
    return gap < 0 ? null : keyAndId.substring(gap + 1);
  }
}
