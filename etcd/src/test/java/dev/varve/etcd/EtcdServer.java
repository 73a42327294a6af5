package dev.varve.etcd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/// A real etcd, alone, on loopback: that of Debian's `etcd-server`, or whichever is on the path.
public final class EtcdServer implements AutoCloseable {

  /// Of ports that Linux gives to no outgoing connection, and the tests to no PostgreSQL: they stay
  /// free while the server is down.
  private static final int FIRST_PORT = 10_000;

  private static final int PORTS_END = 15_000;
  private static final int ATTEMPTS = 5;
  private static final Duration START_LIMIT = Duration.ofMinutes(1);

  private final Path directory;
  private final List<String> options;
  private final int port;
  private final int peerPort;
  private Process process;

  private EtcdServer(Path directory, List<String> options) throws IOException {
    this.directory = directory;
    this.options = options;
    port = freePort();
    peerPort = freePort();
    process = launch();
  }

  /// Whether the machine has one. If not, that is said loudly.
  public static boolean isInstalled() {
    for (String folder : System.getenv("PATH").split(":", -1)) {
      if (Files.isExecutable(Path.of(folder, "etcd"))) {
        return true;
      }
    }
    System.err.println(
        "*** THERE IS NO etcd ON THIS MACHINE: the tests that need it are skipped."
            + " apt-get install etcd-server ***");
    return false;
  }

  /// @param directory where it keeps all, there already
  public static EtcdServer start(Path directory, String... options) throws Exception {
    for (int attempt = 1; ; attempt++) {
      Path own = Files.createDirectory(directory.resolve("etcd-" + attempt));
      var server = new EtcdServer(own, List.of(options));
      try {
        server.awaitStart();
        return server;
      } catch (IOException e) {
        server.close();
        boolean isContest = String.valueOf(e.getMessage()).contains("address already in use");
        if (!isContest || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /// One that was free a moment ago.
  private static int freePort() throws IOException {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(FIRST_PORT, PORTS_END);
      try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (BindException _) {
        // Another may be free.
      }
    }
  }

  private Path log() {
    return directory.resolve("log");
  }

  private Process launch() throws IOException {
    String scheme = options.isEmpty() ? "http" : "https";
    String client = scheme + "://127.0.0.1:" + port;
    String peer = "http://127.0.0.1:" + peerPort;
    var command = new ArrayList<String>();
    command.add("etcd");
    command.addAll(List.of("--data-dir", directory.resolve("data").toString()));
    command.addAll(List.of("--listen-client-urls", client, "--advertise-client-urls", client));
    command.addAll(List.of("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer));
    command.addAll(List.of("--initial-cluster", "default=" + peer, "--log-level", "warn"));
    command.addAll(options);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
        .start();
  }

  /// Until it listens; who connects then gets an answer, perhaps after a moment.
  private void awaitStart() throws Exception {
    Instant end = Instant.now().plus(START_LIMIT);
    while (Instant.now().isBefore(end) && process.isAlive()) {
      try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        assertThat(socket.isConnected()).isTrue();
        return;
      } catch (IOException _) {
        Thread.sleep(50);
      }
    }
    throw new IOException("etcd does not start: " + Files.readString(log()));
  }

  EtcdAddress address() {
    return EtcdAddress.parse("etcd://127.0.0.1:" + port + "/test");
  }

  /// On loopback.
  public int port() {
    return port;
  }

  String hostAndPort() {
    return "127.0.0.1:" + port;
  }

  /// It is there and does not answer.
  void pause() throws Exception {
    signal("STOP");
  }

  void goOn() throws Exception {
    signal("CONT");
  }

  private void signal(String name) throws Exception {
    var kill = new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start();
    assertThat(kill.waitFor()).isZero();
  }

  void kill() {
    process.destroyForcibly().onExit().join();
  }

  void restart() throws Exception {
    kill();
    process = launch();
    awaitStart();
  }

  @Override
  public void close() {
    kill();
  }
}
