package dev.varve.walreceiver.libpq;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Takes a server's messages apart, one at a time; of one thread.
///
/// | bytes | meaning                                         |
/// |-------|-------------------------------------------------|
/// | 1     | type, a letter                                  |
/// | 4     | length, big-endian, of itself and what follows  |
/// | n     | fields                                          |
///
/// Hot: the WAL comes through here. The buffer is kept from message to message and grows to the
/// longest one seen, never past the limit, whatever length the server claims.
public final class MessageReader {

  private static final int FIRST_SIZE = 192 << 10;

  private final InputStream in;
  private final byte[] header = new byte[5];
  private byte[] bytes = new byte[FIRST_SIZE];
  private MemorySegment segment = MemorySegment.ofArray(bytes);
  private ByteBuffer view = ByteBuffer.wrap(bytes);
  private int limit;

  MessageReader(InputStream in, int limit) {
    this.in = in;
    this.limit = limit;
  }

  /// How many bytes of fields a message may have from now on.
  void limit(int most) {
    limit = most;
  }

  /// Reads the next message whole; its fields are then read from here.
  ///
  /// @return its type
  char next() throws IOException {
    readFully(header, header.length);
    char type = (char) (header[0] & 0xFF);
    int length = ByteBuffer.wrap(header).getInt(1) - 4;
    if (length < 0 || length > limit) {
      throw new ProtocolException(
          "a message of type %s claims %d bytes; the limit is %d: this is not PostgreSQL's protocol"
              .formatted(Char.show(type), length, limit));
    }
    if (length > bytes.length) {
      grow(length);
    }
    readFully(bytes, length);
    view.clear().limit(length);
    return type;
  }

  /// In steps, so that memory follows what came and not what was claimed.
  private void grow(int length) {
    bytes = new byte[Math.max(length, Math.min(limit, bytes.length * 2))];
    segment = MemorySegment.ofArray(bytes);
    view = ByteBuffer.wrap(bytes);
  }

  private void readFully(byte[] target, int length) throws IOException {
    int read = in.readNBytes(target, 0, length);
    if (read < length) {
      throw new EOFException("the server closed the connection");
    }
  }

  public int remaining() {
    return view.remaining();
  }

  /// The index in {@link #array()} and {@link #segment()} of the next byte to read.
  public int position() {
    return view.position();
  }

  /// The bytes of the message; valid until the next one.
  public byte[] array() {
    return bytes;
  }

  /// The same bytes as {@link #array()}.
  public MemorySegment segment() {
    return segment;
  }

  public byte getByte() throws ProtocolException {
    need(1);
    return view.get();
  }

  public int getShort() throws ProtocolException {
    need(2);
    return view.getShort();
  }

  public int getInt() throws ProtocolException {
    need(4);
    return view.getInt();
  }

  public long getLong() throws ProtocolException {
    need(8);
    return view.getLong();
  }

  public byte[] getBytes(int length) throws ProtocolException {
    need(length);
    var copy = new byte[length];
    view.get(copy);
    return copy;
  }

  public void skip(int length) throws ProtocolException {
    need(length);
    view.position(view.position() + length);
  }

  /// A text that a zero byte ends.
  public String getText() throws ProtocolException {
    int start = view.position();
    int end = start;
    while (end < view.limit() && bytes[end] != 0) {
      end++;
    }
    if (end == view.limit()) {
      throw new ProtocolException("a message ends in the middle of a text");
    }
    view.position(end + 1);
    return new String(bytes, start, end - start, StandardCharsets.UTF_8);
  }

  /// All that is left, as text.
  public String getRest() {
    var text = new String(bytes, view.position(), view.remaining(), StandardCharsets.UTF_8);
    view.position(view.limit());
    return text;
  }

  private void need(int length) throws ProtocolException {
    if (length < 0 || length > view.remaining()) {
      throw new ProtocolException(
          "a message ends %d bytes into a field of %d".formatted(view.remaining(), length));
    }
  }

  /// How a message type looks in an error.
  static final class Char {
    private Char() {}

    static String show(char type) {
      return type > ' ' && type < 127 ? "'" + type + "'" : "0x" + Integer.toHexString(type);
    }
  }
}
