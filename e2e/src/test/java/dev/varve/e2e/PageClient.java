package dev.varve.e2e;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// A client of the page service that asks for pages, many at a time.
final class PageClient implements AutoCloseable {

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
      requests.put((byte) 'd').putInt(4 + REQUEST).put((byte) 2).putLong(-1L).putLong(0);
      requests.putInt(1663).putInt(database).putInt(relation).put((byte) 0).putInt(first + i);
    }
    out.write(requests.array());
    for (int i = 0; i < count; i++) {
      in.readByte();
      byte[] answer = in.readNBytes(in.readInt() - 4);
      if (answer.length != 1 + PAGE) {
        throw new IOException("no page came but: " + new String(answer, StandardCharsets.UTF_8));
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
