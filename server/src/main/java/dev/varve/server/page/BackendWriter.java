package dev.varve.server.page;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Writes what a libpq server sends, buffered until {@link #flush()}. One thread uses it.
///
/// Source of the layouts: PostgreSQL's manual, "Message Formats".
final class BackendWriter {

  private static final int TEXT_OID = 25;

  private final OutputStream out;
  private final ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
  private final MemorySegment bytes = MemorySegment.ofArray(buffer.array());

  BackendWriter(OutputStream out) {
    this.out = out;
  }

  void flush() throws IOException {
    drain();
    out.flush();
  }

  /// One byte outside any message: the answer to a request for encryption.
  void bare(char answer) throws IOException {
    ensure(1).put((byte) answer);
    flush();
  }

  void authenticationOk() throws IOException {
    ensure(9).put((byte) 'R').putInt(8).putInt(0);
  }

  void parameterStatus(String name, String value) throws IOException {
    message('S', cString(name), cString(value));
  }

  void readyForQuery() throws IOException {
    ensure(6).put((byte) 'Z').putInt(5).put((byte) 'I');
  }

  void commandComplete(String tag) throws IOException {
    message('C', cString(tag));
  }

  void empty(char type) throws IOException {
    ensure(5).put((byte) type).putInt(4);
  }

  /// No parameters and no columns: what the extended protocol's Describe of our commands answers.
  void noParametersNoData() throws IOException {
    ensure(7).put((byte) 't').putInt(6).putShort((short) 0);
    empty('n');
  }

  void copyOut() throws IOException {
    copy('H');
  }

  void copyBoth() throws IOException {
    copy('W');
  }

  private void copy(char type) throws IOException {
    ensure(8).put((byte) type).putInt(7).put((byte) 0).putShort((short) 0);
  }

  void copyDone() throws IOException {
    empty('c');
  }

  /// One CopyData message; the returned buffer has room for just its payload, to be filled at once.
  ByteBuffer copyData(int length) throws IOException {
    return ensure(5 + length).put((byte) 'd').putInt(4 + length);
  }

  /// Where a part of the CopyData message will stand that is begun next: what is written there now
  /// need not be copied then. Nothing is sent of it before.
  ///
  /// @param before bytes of the payload before that part
  MemorySegment roomInCopyData(int before, int length) throws IOException {
    return bytes.asSlice(ensure(5 + before + length).position() + 5L + before, length);
  }

  void copyData(byte[] bytes, int offset, int length) throws IOException {
    ensure(5).put((byte) 'd').putInt(4 + length);
    if (length <= buffer.remaining()) {
      buffer.put(bytes, offset, length);
    } else {
      drain();
      out.write(bytes, offset, length);
    }
  }

  /// A row description of text columns.
  void rowDescription(String... names) throws IOException {
    var columns = ByteBuffer.allocate(2 + names.length * (19 + 64));
    columns.putShort((short) names.length);
    for (String name : names) {
      columns.put(cString(name)).putInt(0).putShort((short) 0).putInt(TEXT_OID);
      columns.putShort((short) -1).putInt(-1).putShort((short) 0);
    }
    columns.flip();
    byte[] bytes = new byte[columns.remaining()];
    columns.get(bytes);
    message('T', bytes);
  }

  void dataRow(String... values) throws IOException {
    int length = 2;
    byte[][] texts = new byte[values.length][];
    for (int i = 0; i < values.length; i++) {
      texts[i] = values[i].getBytes(StandardCharsets.UTF_8);
      length += 4 + texts[i].length;
    }
    var row = ByteBuffer.allocate(length).putShort((short) values.length);
    for (byte[] text : texts) {
      row.putInt(text.length).put(text);
    }
    message('D', row.array());
  }

  /// An error, as libpq clients show it: severity, SQLSTATE, one sentence.
  void error(String severity, String sqlState, String message) throws IOException {
    message(
        'E',
        cString("S" + severity),
        cString("V" + severity),
        cString("C" + sqlState),
        cString("M" + message),
        new byte[1]);
  }

  private void message(char type, byte[]... parts) throws IOException {
    int length = 4;
    for (byte[] part : parts) {
      length += part.length;
    }
    ensure(5).put((byte) type).putInt(length);
    for (byte[] part : parts) {
      if (part.length <= buffer.remaining()) {
        buffer.put(part);
      } else {
        drain();
        out.write(part);
      }
    }
  }

  /// A zero-terminated string; a zero inside would end it early.
  static byte[] cString(String text) {
    return (text.replace('\0', ' ') + "\0").getBytes(StandardCharsets.UTF_8);
  }

  private ByteBuffer ensure(int length) throws IOException {
    if (buffer.remaining() < length) {
      drain();
    }
    return buffer;
  }

  private void drain() throws IOException {
    out.write(buffer.array(), 0, buffer.position());
    buffer.clear();
  }
}
