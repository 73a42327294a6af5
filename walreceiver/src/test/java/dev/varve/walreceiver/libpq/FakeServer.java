package dev.varve.walreceiver.libpq;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// A server of our own that says what it is told to, true or not, to every client, whatever that
/// says, and then hangs up or falls silent.
public final class FakeServer implements AutoCloseable {

  private final ServerSocket listener;
  private final byte[] speech;
  private final boolean hangsUp;
  private final Thread thread;

  public FakeServer(byte[] speech, boolean hangsUp) throws IOException {
    this.speech = speech;
    this.hangsUp = hangsUp;
    listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    thread = Thread.ofVirtual().start(this::run);
  }

  private void run() {
    while (!listener.isClosed()) {
      try (Socket client = listener.accept()) {
        var in = new DataInputStream(client.getInputStream());
        in.skipNBytes(in.readInt() - 4);
        client.getOutputStream().write(speech);
        client.getOutputStream().flush();
        if (hangsUp) {
          client.shutdownOutput();
        }
        in.transferTo(java.io.OutputStream.nullOutputStream());
      } catch (IOException e) {
        // The client, or the test, is done.
      }
    }
  }

  /// For a client that soon gives up one that falls silent; of one that hangs up it hears in time.
  public ConnectionInfo info() {
    return ConnectionInfo.parse(
        "host=127.0.0.1 port=%d user=u password=hush sslmode=disable connect_timeout=%d"
            .formatted(listener.getLocalPort(), hangsUp ? 60 : 1),
        Environment.bare("u"));
  }

  @Override
  public void close() throws IOException {
    listener.close();
    thread.interrupt();
  }

  /// Puts a server's speech together.
  public static final class Speech {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    public Speech message(char type, byte[]... fields) {
      var body = new ByteArrayOutputStream();
      for (byte[] field : fields) {
        body.writeBytes(field);
      }
      return lying(type, body.size() + 4, body.toByteArray());
    }

    /// A message whose length is not what it says.
    public Speech lying(char type, int length, byte[] body) {
      bytes.write(type);
      bytes.writeBytes(int32(length));
      bytes.writeBytes(body);
      return this;
    }

    /// A startup that ends well.
    public Speech welcome() {
      return message('R', int32(0))
          .message('S', text("server_version"), text("17.5"))
          .message('K', int32(1), int32(2))
          .message('Z', new byte[] {'I'});
    }

    /// A result set of one row.
    public Speech row(String... values) {
      var columns = new ByteArrayOutputStream();
      var row = new ByteArrayOutputStream();
      for (String value : values) {
        columns.writeBytes(text("c"));
        columns.writeBytes(new byte[18]);
        row.writeBytes(int32(value.length()));
        row.writeBytes(value.getBytes(StandardCharsets.UTF_8));
      }
      return message('T', int16(values.length), columns.toByteArray())
          .message('D', int16(values.length), row.toByteArray())
          .message('C', text("SELECT 1"));
    }

    public Speech ready() {
      return message('Z', new byte[] {'I'});
    }

    /// WAL as a server sends it.
    public Speech wal(long lsn, byte[] wal) {
      return message('d', new byte[] {'w'}, int64(lsn), int64(lsn + wal.length), int64(0), wal);
    }

    public byte[] toBytes() {
      return bytes.toByteArray();
    }
  }

  public static byte[] int16(int value) {
    return ByteBuffer.allocate(2).putShort((short) value).array();
  }

  public static byte[] int32(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  public static byte[] int64(long value) {
    return ByteBuffer.allocate(8).putLong(value).array();
  }

  public static byte[] text(String value) {
    return (value + "\0").getBytes(StandardCharsets.UTF_8);
  }
}
