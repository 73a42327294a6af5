package dev.varve.remote.s3;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Stands between a client and an HTTP server and does to requests what networks and servers do:
/// each one goes through, or meets the next fault that was ordered, or what a rule says.
public final class FaultyProxy implements AutoCloseable {

  /// What happens to a request.
  public sealed interface Fault {

    /// The connection breaks before the server hears of it.
    record Before() implements Fault {}

    /// The server acts, and its answer is lost.
    record After() implements Fault {}

    /// The server acts, and its answer stops after so many bytes of the body.
    record Stall(int bytes) implements Fault {}

    /// The server acts, and the connection breaks after so many bytes of the answer's body.
    record Cut(int bytes) implements Fault {}

    /// A bit of the answer's body changes.
    record FlipAnswer(int at) implements Fault {}

    /// A bit of the request's body changes.
    record FlipRequest(int at) implements Fault {}

    /// Another answer instead of the server's, which hears of nothing.
    record Answer(int status, String code) implements Fault {}
  }

  /// @param length of the body; -1 if the head does not say it
  private record Message(String head, long length) {

    static Message of(String head) {
      Matcher length = LENGTH.matcher(head);
      if (length.find()) {
        return new Message(head, Long.parseLong(length.group(1)));
      }
      boolean ends = head.startsWith("HTTP/1.1 ") && !head.contains(" 204 ");
      return new Message(head, ends ? -1 : 0);
    }

    boolean isChunked() {
      return head.toLowerCase(Locale.ROOT).contains("transfer-encoding: chunked");
    }

    Message with(int newLength) {
      String same = head.strip().replaceAll("(?i)\r\ntransfer-encoding: chunked", "");
      return new Message(same + "\r\nContent-Length: " + newLength + "\r\n\r\n", newLength);
    }
  }

  private static final Pattern LENGTH = Pattern.compile("(?i)\r\ncontent-length: *(\\d+)\r\n");

  private record Order(Predicate<String> requests, Fault fault) {}

  private final int target;
  private final ServerSocket server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final ConcurrentLinkedDeque<Order> orders = new ConcurrentLinkedDeque<>();
  private final CountDownLatch closing = new CountDownLatch(1);
  private final AtomicInteger requests = new AtomicInteger();
  private final List<Socket> sockets = new ArrayList<>();
  private volatile Function<String, Optional<Fault>> rule = _ -> Optional.empty();

  /// @param target the server's port, on loopback
  public FaultyProxy(int target) throws IOException {
    this.target = target;
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Future<?> _ = threads.submit(this::accept);
  }

  public int port() {
    return server.getLocalPort();
  }

  /// How many requests have come.
  public int requests() {
    return requests.get();
  }

  /// The next request meets this.
  void next(Fault fault) {
    next("", fault);
  }

  /// The next request whose first line contains this meets that.
  void next(String line, Fault fault) {
    orders.add(new Order(first -> first.contains(line), fault));
  }

  /// What requests meet that no fault was ordered for.
  ///
  /// @param newRule from the first line of a request, any number of them at the same time
  public void setRule(Function<String, Optional<Fault>> newRule) {
    rule = newRule;
  }

  int ordered() {
    return orders.size();
  }

  private boolean accept() throws IOException {
    while (true) {
      Socket client = server.accept();
      Future<?> _ = threads.submit(() -> converse(client));
    }
  }

  private synchronized Socket remember(Socket socket) {
    sockets.add(socket);
    return socket;
  }

  private boolean converse(Socket from) throws Exception {
    try (Socket client = remember(from);
        Socket upstream = remember(new Socket(InetAddress.getLoopbackAddress(), target))) {
      var clientIn = new BufferedInputStream(client.getInputStream());
      var serverIn = new BufferedInputStream(upstream.getInputStream());
      while (relay(clientIn, client.getOutputStream(), serverIn, upstream.getOutputStream())) {}
    }
    return true;
  }

  /// @return whether the connection goes on
  private boolean relay(
      InputStream client, OutputStream toClient, InputStream serverIn, OutputStream toServer)
      throws Exception {
    Message request = head(client);
    if (request == null) {
      return false;
    }
    requests.incrementAndGet();
    Fault fault = take(request.head.lines().findFirst().orElse(""));
    if (fault instanceof Fault.Before) {
      return false;
    }
    if (request.head.toLowerCase(Locale.ROOT).contains("expect: 100-continue")) {
      toClient.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
    }
    if (fault instanceof Fault.Answer(int status, String code)) {
      copy(client, OutputStream.nullOutputStream(), request.length, -1);
      answer(toClient, status, code);
      return true;
    }
    String forwarded = request.head.replaceAll("(?i)expect: 100-continue\r\n", "");
    toServer.write(forwarded.getBytes(StandardCharsets.ISO_8859_1));
    copy(client, toServer, request.length, fault instanceof Fault.FlipRequest(int at) ? at : -1);
    toServer.flush();
    Message answer = head(serverIn);
    InputStream body = serverIn;
    if (answer != null && answer.length < 0) {
      byte[] whole = answer.isChunked() ? chunks(serverIn) : serverIn.readAllBytes();
      answer = answer.with(whole.length);
      body = new ByteArrayInputStream(whole);
    }
    if (answer == null || fault instanceof Fault.After) {
      return false;
    }
    long length = request.head.startsWith("HEAD ") ? 0 : answer.length;
    toClient.write(answer.head.getBytes(StandardCharsets.ISO_8859_1));
    switch (fault) {
      case Fault.Cut(int bytes) -> {
        copy(body, toClient, Math.min(bytes, length), -1);
        return false;
      }
      case Fault.Stall(int bytes) -> {
        copy(body, toClient, Math.min(bytes, length), -1);
        toClient.flush();
        closing.await();
        return false;
      }
      case Fault.FlipAnswer(int at) -> copy(body, toClient, length, at);
      case null, default -> copy(body, toClient, length, -1);
    }
    toClient.flush();
    return true;
  }

  private @Nullable Fault take(String line) {
    for (Order order : orders) {
      if (order.requests.test(line) && orders.remove(order)) {
        return order.fault;
      }
    }
    return rule.apply(line).orElse(null);
  }

  private static void answer(OutputStream out, int status, String code) throws IOException {
    String body =
        "<?xml version=\"1.0\"?><Error><Code>"
            + code
            + "</Code><Message>as ordered</Message></Error>";
    String head =
        "HTTP/1.1 "
            + status
            + " No\r\nContent-Type: application/xml\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n";
    out.write((head + body).getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  private static void copy(InputStream in, OutputStream out, long length, int flipAt)
      throws IOException {
    var buffer = new byte[1 << 14];
    for (long done = 0; done < length; ) {
      int count = in.read(buffer, 0, (int) Math.min(buffer.length, length - done));
      if (count < 0) {
        throw new EOFException();
      }
      if (flipAt >= done && flipAt < done + count) {
        buffer[(int) (flipAt - done)] ^= 1;
      }
      out.write(buffer, 0, count);
      done += count;
    }
  }

  private static byte[] chunks(InputStream in) throws IOException {
    var whole = new ByteArrayOutputStream();
    for (long size = size(in); size > 0; size = size(in)) {
      copy(in, whole, size, -1);
      size(in); // the end of the line
    }
    size(in);
    return whole.toByteArray();
  }

  /// The hexadecimal number of a line; 0 for an empty one.
  private static long size(InputStream in) throws IOException {
    long size = 0;
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        throw new EOFException();
      }
      size = next == '\r' ? size : size * 16 + Character.digit(next, 16);
    }
    return size;
  }

  /// @return null at the end
  private static @Nullable Message head(InputStream in) throws IOException {
    var head = new ByteArrayOutputStream();
    int ends = 0;
    while (ends < 4) {
      int next = in.read();
      if (next < 0) {
        return null;
      }
      head.write(next);
      ends = next == (ends % 2 == 0 ? '\r' : '\n') ? ends + 1 : 0;
    }
    return Message.of(head.toString(StandardCharsets.ISO_8859_1));
  }

  @Override
  public void close() throws IOException {
    closing.countDown();
    server.close();
    synchronized (this) {
      for (Socket socket : sockets) {
        socket.close();
      }
    }
    threads.shutdownNow();
    threads.close();
  }
}
