package dev.varve.e2e;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// The network between a client and a server on loopback, which can be cut, and may get stuck. Any
/// thread may call any method.
final class Wire implements AutoCloseable {

  private final int target;
  private final long most;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final ServerSocket server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Set<Socket> sockets = new HashSet<>();
  private boolean cut;

  /// @param target the server's port
  Wire(int target) throws IOException {
    this(target, Long.MAX_VALUE);
  }

  /// @param most bytes that pass from the server to the client on each connection; then it is stuck
  Wire(int target, long most) throws IOException {
    this.target = target;
    this.most = most;
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Future<?> _ = threads.submit(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  /// Breaks all connections, and new ones as soon as they are made.
  synchronized void cut() throws IOException {
    cut = true;
    for (Socket socket : sockets) {
      socket.close();
    }
    sockets.clear();
  }

  synchronized void mend() {
    cut = false;
  }

  private boolean accept() throws IOException {
    while (true) {
      Socket client = server.accept();
      Future<?> _ = threads.submit(() -> connect(client));
    }
  }

  private boolean connect(Socket client) throws IOException, InterruptedException {
    var upstream = new Socket();
    if (!remember(client, upstream)) {
      client.close();
      return false;
    }
    upstream.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target));
    Future<?> _ = threads.submit(() -> relay(client, upstream, Long.MAX_VALUE));
    return relay(upstream, client, most);
  }

  /// @return false when it is cut
  private synchronized boolean remember(Socket client, Socket upstream) {
    if (!cut) {
      sockets.add(client);
      sockets.add(upstream);
    }
    return !cut;
  }

  private boolean relay(Socket from, Socket to, long limit)
      throws IOException, InterruptedException {
    try (from;
        to) {
      byte[] bytes = new byte[1 << 14];
      long left = limit;
      int count;
      while ((count = from.getInputStream().read(bytes, 0, (int) Math.min(1 << 14, left))) > 0) {
        to.getOutputStream().write(bytes, 0, count);
        left -= count;
      }
      if (left == 0) {
        closing.await();
      }
    } finally {
      synchronized (this) {
        sockets.remove(from);
        sockets.remove(to);
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    closing.countDown();
    server.close();
    cut();
    threads.shutdownNow();
    threads.close();
  }
}
