package dev.varve.e2e;

import dev.varve.model.Key;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A client of the page service that asks for pages, many at a time.
final class PageClient implements AutoCloseable {

  private static final long NEWEST = -1L;
  private static final int PAGE = 8192;
  private static final int REQUEST = 34;
  private static final int TIMEOUT_MS = 120_000;

  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;

  /// Connects, and waits to be greeted.
  ///
  /// @throws IOException with the server's words, when it refuses
  PageClient(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(TIMEOUT_MS);
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 14));
    out = new DataOutputStream(socket.getOutputStream());
    byte[] parameters = "user\0e2e\0\0".getBytes(StandardCharsets.US_ASCII);
    out.writeInt(8 + parameters.length);
    out.writeInt(3 << 16);
    out.write(parameters);
    until('Z');
  }

  /// Begins a page stream of a timeline.
  PageClient enter(String tenant, String timeline) throws IOException {
    byte[] query =
        ("pagestream_v2 " + tenant + " " + timeline + "\0").getBytes(StandardCharsets.US_ASCII);
    out.writeByte('Q');
    out.writeInt(4 + query.length);
    out.write(query);
    until('W');
    return this;
  }

  private void until(char wanted) throws IOException {
    char type;
    do {
      type = (char) in.readUnsignedByte();
      byte[] body = in.readNBytes(in.readInt() - 4);
      if (type == 'E') {
        socket.close();
        throw new IOException(new String(body, StandardCharsets.UTF_8).replace('\0', ' '));
      }
    } while (type != wanted);
  }

  /// Asks for blocks of a relation as of now, all at once, and takes the pages.
  void pages(int database, int relation, int first, int count) throws IOException {
    var requests = ByteBuffer.allocate(count * (5 + REQUEST));
    for (int i = 0; i < count; i++) {
      put(requests, NEWEST, new Key(0, 1663, database, relation, 0, first + i));
    }
    out.write(requests.array());
    for (int i = 0; i < count; i++) {
      answer(PAGE);
    }
  }

  /// Asks for a page as of an LSN.
  ///
  /// @throws IOException with the server's words, when it has none; one can go on asking
  byte[] page(Key page, long lsn) throws IOException {
    var request = ByteBuffer.allocate(5 + REQUEST);
    put(request, lsn, page);
    out.write(request.array());
    return answer(PAGE);
  }

  private static void put(ByteBuffer requests, long lsn, Key page) {
    requests.put((byte) 'd').putInt(4 + REQUEST).put((byte) 2).putLong(lsn).putLong(0);
    requests.putInt(page.tablespace()).putInt(page.database()).putInt(page.relation());
    requests.put((byte) page.fork()).putInt(page.block());
  }

  /// Asks how many blocks a page's relation has as of an LSN.
  ///
  /// @throws IOException with the server's words, when there is no such relation
  int blocks(Key page, long lsn) throws IOException {
    var request = ByteBuffer.allocate(5 + REQUEST);
    put(request, lsn, page);
    request.put(5, (byte) 1).putInt(1, 4 + REQUEST - 4);
    out.write(request.array(), 0, request.capacity() - 4);
    return ByteBuffer.wrap(answer(4)).getInt();
  }

  private byte[] answer(int length) throws IOException {
    in.readByte();
    byte[] answer = in.readNBytes(in.readInt() - 4);
    if (answer.length != 1 + length) {
      throw new IOException("another answer came: " + new String(answer, StandardCharsets.UTF_8));
    }
    return Arrays.copyOfRange(answer, 1, answer.length);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
