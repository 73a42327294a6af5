package dev.varve.bench;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Tpcb;
import dev.varve.server.Listener;
import dev.varve.server.ServerConfig;
import dev.varve.server.VarveServer;
import dev.varve.server.imports.ImportJob;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Pages over loopback, one at a time and many under way, beside a server that answers 8 KiB to
/// each small request and does nothing else.
final class GetPageBench {

  private static final int PAGE = 8192;
  private static final int REQUEST = 34;
  private static final long WARM_UP_NANOS = 1_000_000_000;
  private static final long MEASURED_NANOS = 2_000_000_000;
  private static final int RUNS = 5;

  /// How many connections there are at once, and how many requests of each are under way.
  private record Demand(int connections, int depth) {
    String measure() {
      return depth == 1
          ? "GetPage, one at a time"
          : "GetPage, "
              + (connections == 1 ? "" : connections + " connections, ")
              + depth
              + " under way";
    }
  }

  private GetPageBench() {}

  static void run(Path scratch, Results results) throws Exception {
    var nowhere = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    var config = new ServerConfig(scratch.resolve("getpage"), nowhere, nowhere, 1L << 30);
    try (LocalCluster cluster = LocalCluster.builder(PostgresBinaries.of(17)).start();
        VarveServer server = VarveServer.open(config, InstantSource.system());
        Listener echo = Listener.open("echo", nowhere, 100, GetPageBench::echo)) {
      try (Connection connection = cluster.connect()) {
        new Tpcb(2, 100_000).initialize(connection);
      }
      cluster.execute("CHECKPOINT");
      ImportJob job = server.imports().online("bench", cluster.connectionString("postgres"));
      while (!job.ended()) {
        Thread.onSpinWait();
      }
      if (job.error().isPresent()) {
        throw new IOException(job.error().get());
      }
      String[] path =
          cluster.query("SELECT pg_relation_filepath('pgbench_accounts')").split("/", -1);
      int blocks =
          Integer.parseInt(cluster.query("SELECT pg_relation_size('pgbench_accounts') / 8192"));
      byte[] request = request(Integer.parseInt(path[1]), Integer.parseInt(path[2]));
      String command = "pagestream_v2 " + job.id() + " " + job.id();
      for (var demand : List.of(new Demand(1, 1), new Demand(1, 32), new Demand(8, 32))) {
        results.compare(
            demand.measure(),
            "pages/s",
            RUNS,
            true,
            () -> rate(server.pageAddress(), command, request, blocks, demand),
            "echo of 8 KiB",
            () -> rate(echo.address(), "", request, blocks, demand));
      }
    }
  }

  /// A CopyData message with a GetPage request for the newest version; the block is filled in
  /// later.
  private static byte[] request(int database, int relation) {
    return ByteBuffer.allocate(5 + REQUEST)
        .put((byte) 'd')
        .putInt(4 + REQUEST)
        .put((byte) 2)
        .putLong(-1L)
        .putLong(0)
        .putInt(1663)
        .putInt(database)
        .putInt(relation)
        .put((byte) 0)
        .putInt(0)
        .array();
  }

  /// @return pages a second, of all connections together
  private static double rate(
      InetSocketAddress address, String command, byte[] request, int blocks, Demand demand)
      throws Exception {
    try (var threads = Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Callable<Double>> clients =
          Collections.nCopies(
              demand.connections(), () -> rate(address, command, request, blocks, demand.depth()));
      double sum = 0;
      for (Future<Double> client : threads.invokeAll(clients)) {
        sum += client.get();
      }
      return sum;
    }
  }

  private static double rate(
      InetSocketAddress address, String command, byte[] template, int blocks, int depth)
      throws IOException {
    try (var socket = new Socket(address.getAddress(), address.getPort())) {
      socket.setTcpNoDelay(true);
      var in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
      var out = new DataOutputStream(socket.getOutputStream());
      if (!command.isEmpty()) {
        enter(in, out, command);
      }
      byte[] request = template.clone();
      var random = new SplittableRandom(1);
      exchange(in, out, request, blocks, random, depth, WARM_UP_NANOS);
      long started = System.nanoTime();
      long pages = exchange(in, out, request, blocks, random, depth, MEASURED_NANOS);
      return pages / ((System.nanoTime() - started) / 1e9);
    }
  }

  /// @return how many pages came
  private static long exchange(
      DataInputStream in,
      DataOutputStream out,
      byte[] request,
      int blocks,
      SplittableRandom random,
      int depth,
      long nanos)
      throws IOException {
    var block = ByteBuffer.wrap(request);
    byte[] batch = new byte[request.length * depth];
    byte[] page = new byte[1 + PAGE];
    long end = System.nanoTime() + nanos;
    long done = 0;
    while (System.nanoTime() < end) {
      for (int i = 0; i < depth; i++) {
        block.putInt(request.length - 4, random.nextInt(blocks));
        System.arraycopy(request, 0, batch, i * request.length, request.length);
      }
      out.write(batch);
      for (int i = 0; i < depth; i++) {
        in.readByte();
        int length = in.readInt() - 4;
        if (length != page.length) {
          byte[] answer = in.readNBytes(Math.min(length, 200));
          throw new IOException("no page came but: " + new String(answer, StandardCharsets.UTF_8));
        }
        in.readFully(page);
      }
      done += depth;
    }
    return done;
  }

  private static void enter(DataInputStream in, DataOutputStream out, String command)
      throws IOException {
    byte[] parameters = "user\0bench\0\0".getBytes(StandardCharsets.US_ASCII);
    out.writeInt(8 + parameters.length);
    out.writeInt(3 << 16);
    out.write(parameters);
    byte[] query = (command + "\0").getBytes(StandardCharsets.US_ASCII);
    out.writeByte('Q');
    out.writeInt(4 + query.length);
    out.write(query);
    int type;
    do {
      type = in.readByte();
      byte[] body = in.readNBytes(in.readInt() - 4);
      if (type == 'E') {
        throw new IOException(new String(body, StandardCharsets.UTF_8));
      }
    } while (type != 'W');
  }

  /// Answers each request with as many bytes as a page's answer has.
  private static void echo(Socket socket) throws IOException {
    var in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
    var out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
    byte[] answer = new byte[5 + 1 + PAGE];
    ByteBuffer.wrap(answer).put((byte) 'd').putInt(4 + 1 + PAGE);
    byte[] request = new byte[5 + REQUEST];
    while (in.readNBytes(request, 0, request.length) == request.length) {
      out.write(answer);
      if (in.available() == 0) {
        out.flush();
      }
    }
  }
}
