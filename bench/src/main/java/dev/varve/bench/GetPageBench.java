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
import java.util.SplittableRandom;

/// Pages over loopback, one at a time and many under way, beside a server that answers 8 KiB to
/// each small request and does nothing else.
final class GetPageBench {

  private static final int PAGE = 8192;
  private static final int REQUEST = 34;
  private static final int REQUESTS = 20_000;
  private static final int DEPTH = 32;
  private static final int RUNS = 3;

  private GetPageBench() {}

  static void run(Path scratch, Results results) throws Exception {
    var nowhere = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    var config = new ServerConfig(scratch.resolve("getpage"), nowhere, nowhere, 1L << 30);
    try (LocalCluster cluster = LocalCluster.builder(PostgresBinaries.of(17)).start();
        VarveServer server = VarveServer.open(config, InstantSource.system());
        Listener echo = Listener.open("echo", nowhere, GetPageBench::echo)) {
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
      for (int depth : new int[] {1, DEPTH}) {
        results.compare(
            depth == 1 ? "GetPage, one at a time" : "GetPage, " + depth + " under way",
            "pages/s",
            RUNS,
            true,
            () -> rate(server.pageAddress(), command, request, blocks, depth),
            "echo of 8 KiB",
            () -> rate(echo.address(), "", request, blocks, depth));
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

  /// @return pages a second
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
      byte[] page = new byte[1 + PAGE];
      var random = new SplittableRandom(1);
      exchange(in, out, request, blocks, page, random, depth, REQUESTS / 4);
      long started = System.nanoTime();
      exchange(in, out, request, blocks, page, random, depth, REQUESTS);
      return REQUESTS / ((System.nanoTime() - started) / 1e9);
    }
  }

  private static void exchange(
      DataInputStream in,
      DataOutputStream out,
      byte[] request,
      int blocks,
      byte[] page,
      SplittableRandom random,
      int depth,
      int count)
      throws IOException {
    var block = ByteBuffer.wrap(request);
    byte[] batch = new byte[request.length * depth];
    for (int done = 0; done < count; done += depth) {
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
    }
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
