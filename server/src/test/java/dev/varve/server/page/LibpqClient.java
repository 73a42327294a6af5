package dev.varve.server.page;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A client that speaks libpq's protocol byte by byte, rightly or wrongly as a test wants it.
final class LibpqClient implements AutoCloseable {

  private static final int TIMEOUT_MS = 120_000;

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;

  /// One message of the server; never compared.
  @SuppressWarnings("ArrayRecordComponent")
  record Message(char type, byte[] body) {
    ByteBuffer buffer() {
      return ByteBuffer.wrap(body);
    }

    /// All text in it; of an error, its fields with a space between.
    String text() {
      return new String(body, StandardCharsets.UTF_8).replace('\0', ' ').strip();
    }

    @Override
    public String toString() {
      return type + "(" + (type == 'd' ? body.length + " bytes" : text()) + ")";
    }
  }

  /// A bare connection: nothing is said yet.
  LibpqClient(InetSocketAddress address) throws IOException {
    socket = new Socket(address.getAddress(), address.getPort());
    socket.setSoTimeout(TIMEOUT_MS);
    socket.setTcpNoDelay(true);
    in = new DataInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /// A connection that has been greeted and is ready for a query.
  static LibpqClient ready(InetSocketAddress address) throws IOException {
    var client = new LibpqClient(address);
    client.startup(3 << 16, "user\0varve\0database\0x\0\0");
    client.until('Z');
    return client;
  }

  /// A connection in a page stream.
  static LibpqClient stream(InetSocketAddress address, String command) throws IOException {
    LibpqClient client = ready(address);
    client.query(command);
    Message answer = client.read();
    if (answer.type() != 'W') {
      throw new IOException(answer.toString());
    }
    return client;
  }

  void startup(int code, String rest) throws IOException {
    byte[] text = rest.getBytes(StandardCharsets.UTF_8);
    raw(
        ByteBuffer.allocate(8 + text.length)
            .putInt(8 + text.length)
            .putInt(code)
            .put(text)
            .array());
  }

  void raw(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  void send(char type, byte[] body) throws IOException {
    raw(message(type, body));
  }

  void send(char type, String body) throws IOException {
    send(type, body.getBytes(StandardCharsets.UTF_8));
  }

  void query(String sql) throws IOException {
    send('Q', sql + "\0");
  }

  static byte[] message(char type, byte[] body) {
    return ByteBuffer.allocate(5 + body.length)
        .put((byte) type)
        .putInt(4 + body.length)
        .put(body)
        .array();
  }

  int readByte() throws IOException {
    return in.read();
  }

  /// @throws EOFException when the server has closed the connection
  Message read() throws IOException {
    char type = (char) in.readUnsignedByte();
    byte[] body = new byte[in.readInt() - 4];
    in.readFully(body);
    return new Message(type, body);
  }

  /// All messages to the first of that type.
  List<Message> until(char type) throws IOException {
    var messages = new ArrayList<Message>();
    do {
      messages.add(read());
    } while (messages.getLast().type() != type);
    return messages;
  }

  /// Sends a page stream's request and gives its answer's payload.
  ByteBuffer ask(byte[] request) throws IOException {
    send('d', request);
    return answer();
  }

  ByteBuffer answer() throws IOException {
    Message answer = read();
    if (answer.type() != 'd') {
      throw new IOException(answer.toString());
    }
    return answer.buffer();
  }

  /// Everything to the end of the connection; a reset is an end, too.
  List<Message> rest() {
    var messages = new ArrayList<Message>();
    try {
      while (true) {
        messages.add(read());
      }
    } catch (IOException _) {
      return messages;
    }
  }

  /// The types of the messages, as a word.
  static String types(List<Message> messages) {
    var types = new StringBuilder();
    messages.forEach(message -> types.append(message.type()));
    return types.toString();
  }

  /// The payloads of the CopyData messages.
  static byte[] copied(List<Message> messages) {
    var bytes = new ByteArrayOutputStream();
    messages.stream().filter(m -> m.type() == 'd').forEach(m -> bytes.writeBytes(m.body()));
    return bytes.toByteArray();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
