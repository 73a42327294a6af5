package dev.varve.cluster;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/// A TCP port of 127.0.0.1 that nobody listens on.
final class LoopbackPort {

  /// Below the ports that Linux gives to outgoing connections, so that a port stays free while its
  /// server is down.
  private static final int FIRST = 15_000;

  private static final int END = 32_000;
  private static final int ATTEMPTS = 100;

  private LoopbackPort() {}

  /// A port that was free a moment ago; who binds it must be ready to lose the race.
  static int free() throws IOException {
    for (int i = 0; i < ATTEMPTS; i++) {
      int port = ThreadLocalRandom.current().nextInt(FIRST, END);
      try (var socket = new ServerSocket()) {
        socket.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
        return port;
      } catch (IOException e) {
        // Taken; the next may be free.
      }
    }
    throw new IOException("no free port on 127.0.0.1 from " + FIRST + " to " + END);
  }
}
