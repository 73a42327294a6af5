package dev.varve.e2e;

import dev.varve.cli.Main;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// A `varve serve` in a process of its own, with the flags that the launcher gives it, and the
/// commands that are said to it.
final class Varve implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration START_LIMIT = Duration.ofMinutes(3);
  private static final Duration STOP_LIMIT = Duration.ofMinutes(2);
  private static final Pattern ADDRESS =
      Pattern.compile("HTTP API on (http://[0-9.:]+), page service on 127.0.0.1:([0-9]+)");

  private final Process process;
  private final Path log;
  private final String url;
  private final int pages;
  private final Thread killer;

  private Varve(Process process, Path log, String url, int pages, Thread killer) {
    this.process = process;
    this.log = log;
    this.url = url;
    this.pages = pages;
    this.killer = killer;
  }

  /// How a command ended, and what it said.
  record Outcome(int code, String out, String err) {}

  /// Starts a server and waits until it answers. Its data is in the folder's `varve`, its messages
  /// are added to `varve.log`.
  ///
  /// @param options more of `serve`
  static Varve start(Path folder, int mebibytes, String... options)
      throws IOException, InterruptedException {
    return start(folder, mebibytes, Map.of(), options);
  }

  /// @param environment variables, more than this process has
  static Varve start(Path folder, int mebibytes, Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    Path log = folder.resolve("varve.log");
    long before = Files.exists(log) ? Files.size(log) : 0;
    ProcessBuilder builder = new ProcessBuilder().redirectErrorStream(true);
    builder.environment().putAll(environment);
    List<String> flags = new ArrayList<>();
    for (String flag : launcherFlags(mebibytes)) {
      if (flag.startsWith("-")) {
        flags.add(flag);
      } else {
        int equals = flag.indexOf('=');
        builder.environment().put(flag.substring(0, equals), flag.substring(equals + 1));
      }
    }
    Process process =
        builder
            .command(command(flags, folder.resolve("varve"), options))
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    var killer = new Thread(process::destroyForcibly, "end of varve serve");
    Runtime.getRuntime().addShutdownHook(killer);
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      Matcher said = ADDRESS.matcher(from(log, before));
      if (said.find()) {
        int pages = Integer.parseInt(said.group(2));
        return new Varve(process, log, said.group(1), pages, killer);
      }
      if (process.waitFor(20, TimeUnit.MILLISECONDS) || System.nanoTime() > deadline) {
        process.destroyForcibly();
        throw new IOException("varve serve did not start: " + from(log, 0));
      }
    }
  }

  /// The rest of a log that is still written.
  private static String from(Path log, long offset) throws IOException {
    byte[] bytes = Files.readAllBytes(log);
    return new String(bytes, (int) offset, bytes.length - (int) offset, StandardCharsets.UTF_8);
  }

  /// Flags of the JVM, and variables of the environment.
  private static List<String> launcherFlags(int mebibytes) throws IOException {
    Path launcher = Path.of("../varve").toAbsolutePath();
    Process process =
        new ProcessBuilder(launcher.toString(), "server-flags", "--memory", mebibytes + "MiB")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var lines = process.inputReader()) {
      List<String> flags = lines.lines().toList();
      if (flags.isEmpty()) {
        throw new IOException(launcher + " gave no flags");
      }
      return flags;
    }
  }

  private static List<String> command(List<String> flags, Path data, String... options) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            "dev.varve.cli.Main",
            "serve",
            "--data",
            data.toString(),
            "--http",
            "127.0.0.1:0",
            "--pg",
            "127.0.0.1:0"));
    command.addAll(List.of(options));
    return command;
  }

  /// Says a command to this server.
  Outcome run(String... words) {
    List<String> arguments = new ArrayList<>(List.of(words));
    arguments.add("--server");
    arguments.add(url);
    var out = new StringWriter();
    var err = new StringWriter();
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    int code = command.execute(arguments.toArray(String[]::new));
    return new Outcome(code, out.toString(), err.toString());
  }

  /// Says a command that must succeed.
  ///
  /// @return what it printed
  String command(String... words) throws IOException {
    Outcome outcome = run(words);
    if (outcome.code() != 0) {
      throw new AssertionError(
          "varve %s: %s\nthe server said:\n%s"
              .formatted(String.join(" ", words), outcome.err(), log()));
    }
    return outcome.out();
  }

  /// Says a command that must succeed, with `--json`.
  JsonNode json(String... words) throws IOException {
    List<String> arguments = new ArrayList<>(List.of(words));
    arguments.add("--json");
    return JSON.readTree(command(arguments.toArray(String[]::new)));
  }

  /// Has a timeline's GC cutoff moved, all its layers merged and what nothing needs dropped, and
  /// waits until that is done.
  void compact(String timeline) throws IOException, InterruptedException {
    JsonNode shown = json("show", timeline);
    String path =
        "/v1/tenant/"
            + shown.path("tenant_id").asString()
            + "/timeline/"
            + shown.path("timeline_id").asString();
    put(path + "/checkpoint");
    put(path + "/do_gc");
    put(path + "/compact");
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (!isIdle("compact " + timeline)) {
      if (System.nanoTime() > deadline) {
        throw new IOException(timeline + " is not merged: " + log());
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private boolean isIdle(String task) throws IOException {
    try (InputStream in = URI.create(url + "/v1/task").toURL().openStream()) {
      for (JsonNode one : JSON.readTree(in)) {
        if (one.path("name").asString().equals(task)) {
          return one.path("state").asString().equals("IDLE");
        }
      }
    }
    throw new IOException("there is no task " + task);
  }

  private void put(String path) throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create(url + path))
            .PUT(HttpRequest.BodyPublishers.noBody())
            .build();
    try (var client = HttpClient.newHttpClient()) {
      var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() >= 300) {
        throw new IOException(path + ": " + answer.body());
      }
    }
  }

  /// Reads a whole base backup and keeps nothing of it.
  ///
  /// @return its bytes
  long discardBackup(String tenant, String timeline) throws IOException {
    URI backup = URI.create(url + "/v1/tenant/" + tenant + "/timeline/" + timeline + "/fullbackup");
    try (InputStream in = backup.toURL().openStream()) {
      return in.transferTo(OutputStream.nullOutputStream());
    }
  }

  /// What a data directory has as of an LSN, read as a base backup.
  DirectoryDigest digest(String timeline, String lsn) throws IOException {
    JsonNode shown = json("show", timeline);
    URI backup =
        URI.create(
            url
                + "/v1/tenant/"
                + shown.path("tenant_id").asString()
                + "/timeline/"
                + shown.path("timeline_id").asString()
                + "/fullbackup?lsn="
                + lsn);
    try (InputStream in = backup.toURL().openStream()) {
      return DirectoryDigest.of(in);
    }
  }

  /// The port of the page service, on loopback.
  int pagePort() {
    return pages;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /// The most memory that the process has had resident, in bytes.
  long peakMemory() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
      }
    }
    throw new IOException("no peak in /proc: " + log());
  }

  /// What the server has printed.
  String log() throws IOException {
    return from(log, 0);
  }

  /// As `kill -9`.
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
    forgetKiller();
  }

  /// Stops it as SIGTERM does, and waits for its end.
  ///
  /// @throws IOException when it does not end in time
  void stop() throws IOException {
    process.destroy();
    try {
      if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        kill();
        throw new IOException("varve serve did not stop within " + STOP_LIMIT + ":\n" + log());
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
    forgetKiller();
  }

  private void forgetKiller() {
    try {
      Runtime.getRuntime().removeShutdownHook(killer);
    } catch (IllegalStateException e) {
      // The JVM is ending already, and the hook runs.
    }
  }

  @Override
  public void close() throws IOException {
    if (process.isAlive()) {
      stop();
    }
  }
}
