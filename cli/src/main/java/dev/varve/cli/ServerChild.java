package dev.varve.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;

/// A `varve serve` as a process of its own, on free ports; ends when it is closed or when this JVM
/// does.
final class ServerChild implements AutoCloseable {

  /// Within the folder.
  static final String DATA = "data";

  private static final Duration START_LIMIT = Duration.ofSeconds(30);

  private final Process process;
  private final String url;
  private final Path log;
  private final Thread killer;

  private ServerChild(Process process, String url, Path log) {
    this.process = process;
    this.url = url;
    this.log = log;
    this.killer = new Thread(process::destroyForcibly, "end of varve serve");
    Runtime.getRuntime().addShutdownHook(killer);
  }

  /// Starts a server that keeps its data and its log in the folder, and waits until it answers.
  ///
  /// @param options of `varve serve`, more than that
  /// @param environment variables, more than this process has
  static ServerChild start(Path folder, List<String> options, Map<String, String> environment)
      throws IOException {
    String launcher = System.getProperty("varve.launcher");
    if (launcher == null) {
      throw new CliException("start this with the varve launcher, which it needs to run a server");
    }
    String http = "127.0.0.1:" + freePort();
    Path log = folder.resolve("varve.log");
    List<String> command =
        new ArrayList<>(
            List.of(
                launcher,
                "serve",
                "--data",
                folder.resolve(DATA).toString(),
                "--http",
                http,
                "--pg",
                "127.0.0.1:" + freePort()));
    command.addAll(options);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().putAll(environment);
    Process process = builder.start();
    var child = new ServerChild(process, "http://" + http, log);
    child.awaitAnswer();
    return child;
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private void awaitAnswer() throws IOException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    var client = new ServerClient(java.net.URI.create(url));
    while (true) {
      try {
        client.get("/v1/status");
        return;
      } catch (CliException e) {
        if (!process.isAlive() || System.nanoTime() - deadline > 0) {
          close();
          throw new CliException("the server did not start; it said:\n" + logged(), e);
        }
        LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
      }
    }
  }

  private String logged() throws IOException {
    return Files.readString(log, StandardCharsets.UTF_8);
  }

  /// Runs a command of ours against this server.
  ///
  /// @return what it printed
  /// @throws CliException with what it said, when it fails
  String command(String... words) {
    List<String> arguments = new ArrayList<>(List.of(words));
    arguments.add("--server");
    arguments.add(url);
    var out = new StringWriter();
    var err = new StringWriter();
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    if (command.execute(arguments.toArray(String[]::new)) != 0) {
      throw new CliException("varve " + String.join(" ", words) + ": " + err.toString().strip());
    }
    return out.toString();
  }

  /// The id of the tenant that a timeline is of.
  String tenant(String timeline) {
    var client = new ServerClient(java.net.URI.create(url));
    return client.timeline(timeline).path("tenant_id").asString();
  }

  /// Ends it at once, as a crash does.
  void kill() {
    process.destroyForcibly();
    close();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      Runtime.getRuntime().removeShutdownHook(killer);
    } catch (InterruptedException _) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    } catch (IllegalStateException _) {
      // The JVM is ending already, and the hook runs.
    }
  }
}
