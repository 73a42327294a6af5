package dev.varve.server.page;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/// Reads what a libpq client sends. One thread uses it.
///
/// | message         | bytes                                                              |
/// |-----------------|--------------------------------------------------------------------|
/// | startup packet  | length u32 (itself included), code u32, rest; big-endian           |
/// | any later one   | type u8, length u32 (itself included, the type not), body          |
///
/// Source: PostgreSQL's manual, "Message Formats". The body of the present message stands in {@link
/// #body()} until the next {@link #read()}; nothing is allocated for a message that fits the
/// buffer.
final class FrontendReader {

  static final int CANCEL_REQUEST = 1234 << 16 | 5678;
  static final int SSL_REQUEST = 1234 << 16 | 5679;
  static final int GSSENC_REQUEST = 1234 << 16 | 5680;

  /// A query or a page request is short; whoever sends more has lost his way.
  private static final int MAX_MESSAGE = 64 << 10;

  private static final int MIN_STARTUP = 8;
  private static final int MAX_STARTUP = 10_000;

  private final InputStream in;
  private byte[] buffer = new byte[16 << 10];
  private int position;
  private int limit;
  private ByteBuffer body = ByteBuffer.allocate(0);

  FrontendReader(InputStream in) {
    this.in = in;
  }

  /// The startup packet's code; its rest is the body.
  int readStartup() throws IOException {
    require(4);
    int length = ByteBuffer.wrap(buffer, position, 4).getInt();
    if (length < MIN_STARTUP || length > MAX_STARTUP) {
      throw new ProtocolException("a startup packet of " + length + " bytes");
    }
    require(length);
    ByteBuffer packet = ByteBuffer.wrap(buffer, position, length);
    position += length;
    packet.getInt();
    int code = packet.getInt();
    body = packet.slice();
    return code;
  }

  /// The parameters of a startup message, from the body.
  Map<String, String> startupParameters() throws ProtocolException {
    var parameters = new LinkedHashMap<String, String>();
    while (body.remaining() > 1) {
      String name = string();
      parameters.put(name, string());
    }
    return parameters;
  }

  /// The next message's type, or -1 at the end of the stream.
  int read() throws IOException {
    if (available() == 0 && !fill()) {
      return -1;
    }
    require(5);
    int type = buffer[position] & 0xFF;
    int length = ByteBuffer.wrap(buffer, position + 1, 4).getInt();
    if (length < 4 || length > MAX_MESSAGE) {
      throw new ProtocolException("a message of " + length + " bytes");
    }
    require(1 + length);
    body = ByteBuffer.wrap(buffer, position + 5, length - 4);
    position += 1 + length;
    return type;
  }

  /// What is left of the present message.
  ByteBuffer body() {
    return body;
  }

  /// The next zero-terminated string of the body.
  String string() throws ProtocolException {
    int start = body.position();
    while (body.hasRemaining()) {
      if (body.get() == 0) {
        return new String(
            body.array(),
            body.arrayOffset() + start,
            body.position() - 1 - start,
            StandardCharsets.UTF_8);
      }
    }
    throw new ProtocolException("a string without its end");
  }

  /// Whether another message has already arrived, at least in part.
  boolean hasMore() throws IOException {
    return available() > 0 || in.available() > 0;
  }

  private int available() {
    return limit - position;
  }

  /// Makes the next `count` bytes stand in the buffer.
  private void require(int count) throws IOException {
    if (position + count > buffer.length) {
      byte[] target = count > buffer.length ? new byte[Integer.highestOneBit(count) * 2] : buffer;
      System.arraycopy(buffer, position, target, 0, available());
      limit = available();
      position = 0;
      buffer = target;
    }
    while (available() < count) {
      if (!fill()) {
        throw new EOFException("the connection ended inside a message");
      }
    }
  }

  private boolean fill() throws IOException {
    if (position == limit) {
      position = 0;
      limit = 0;
    }
    int read = in.read(buffer, limit, buffer.length - limit);
    if (read < 0) {
      return false;
    }
    limit += read;
    return true;
  }
}
