package dev.varve.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/// One run of `postgres`, from its start to its end; it does not outlive this JVM.
///
/// A shell whose standard input is a pipe from this JVM waits for the pipe to end, which it does
/// however this JVM ends, and then stops the server. Threads may share this, one changing it at a
/// time.
final class ServerProcess {

  /// Names the server's process group as `pg_ctl` does: the first line is its process id.
  private static final String PID_FILE = "postmaster.pid";

  private static final int STATUS_LINE = 7;
  private static final Duration POLL = Duration.ofMillis(10);

  private final Path data;
  private final ServerLog log;
  private final Process server;

  private ServerProcess(Path data, ServerLog log, Process server) {
    this.data = data;
    this.log = log;
    this.server = server;
  }

  /// Starts the program; its output goes to the end of the log file.
  static ServerProcess start(ProcessBuilder program, Path data, ServerLog log) throws IOException {
    log.begin();
    Process server =
        program
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.file().toFile()))
            .start();
    server.getOutputStream().close();
    Process guard;
    try {
      guard =
          new ProcessBuilder("/bin/sh", "-c", "read _; " + killCommand("QUIT", server, data))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      server.destroyForcibly();
      throw e;
    }
    var _ = server.onExit().thenRun(guard::destroyForcibly);
    return new ServerProcess(data, log, server);
  }

  boolean isAlive() {
    return server.isAlive();
  }

  long pid() {
    return server.pid();
  }

  /// Waits until the server takes connections.
  ///
  /// @throws IOException with the end of its log, when it ends instead or takes too long
  void awaitReady(Duration timeout) throws IOException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!isReady()) {
      if (!server.isAlive()) {
        throw new ServerFailedException(
            "PostgreSQL ended with status " + server.exitValue() + " while starting", log.tail());
      }
      if (System.nanoTime() - deadline > 0) {
        throw new ServerFailedException(
            "PostgreSQL is not ready after " + timeout.toSeconds() + " s", log.tail());
      }
      pause();
    }
  }

  private boolean isReady() throws IOException {
    List<String> lines;
    try {
      lines = Files.readAllLines(data.resolve(PID_FILE));
    } catch (NoSuchFileException e) {
      return false;
    }
    // The file may be an earlier run's.
    if (lines.size() <= STATUS_LINE || !lines.getFirst().strip().equals("" + server.pid())) {
      return false;
    }
    String status = lines.get(STATUS_LINE).strip();
    return status.equals("ready") || status.equals("standby");
  }

  /// Stops the server and waits for its end.
  ///
  /// @throws IOException when it does not end in time; it is killed then
  void stop(StopMode mode, Duration timeout) throws IOException {
    signal(mode.signal());
    if (!await(server, timeout)) {
      kill();
      throw new ServerFailedException(
          "PostgreSQL did not stop (%s) within %d s and was killed"
              .formatted(mode.name().toLowerCase(Locale.ROOT), timeout.toSeconds()),
          log.tail());
    }
  }

  /// Kills the server and every process of it with SIGKILL, and waits until they are gone.
  void kill() {
    // First, or it would put backends back and clean up after them.
    List<ProcessHandle> backends = server.descendants().toList();
    server.destroyForcibly();
    await(server, Duration.ofSeconds(60));
    for (ProcessHandle backend : backends) {
      backend.destroyForcibly();
    }
    for (ProcessHandle backend : backends) {
      while (backend.isAlive()) {
        pause();
      }
    }
  }

  /// A shell command that signals the server, if that process is still the server: numbers of
  /// processes that have ended are soon given to others.
  private static String killCommand(String signal, Process server, Path data) {
    String directory = "'" + data.toString().replace("'", "'\\''") + "'";
    return "grep -aqF -- %s /proc/%d/cmdline && kill -s %s %d"
        .formatted(directory, server.pid(), signal, server.pid());
  }

  private void signal(String name) throws IOException {
    Process kill =
        new ProcessBuilder("/bin/sh", "-c", killCommand(name, server, data))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    await(kill, Duration.ofSeconds(10));
  }

  private static boolean await(Process process, Duration timeout) {
    try {
      return process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new IOException("interrupted while waiting for a process", e));
    }
  }

  private static void pause() {
    try {
      Thread.sleep(POLL);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new IOException("interrupted while waiting for a process", e));
    }
  }
}
