package dev.varve.walreceiver.libpq;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Objects;

/// A connection to a server on this machine by a file, in the shape of a `Socket`: Java has
/// channels for these only, and their reads know no timeout.
///
/// One thread reads and one writes; any may close, which ends both.
final class UnixSocket extends Socket {

  private final SocketChannel channel;
  private final Selector readable;
  private final Selector writable;
  private volatile int timeout;

  private UnixSocket(SocketChannel channel) throws IOException {
    this.channel = channel;
    channel.configureBlocking(false);
    readable = Selector.open();
    writable = Selector.open();
    channel.register(readable, SelectionKey.OP_READ);
    channel.register(writable, SelectionKey.OP_WRITE);
  }

  static UnixSocket connect(Path file) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(file));
    try {
      return new UnixSocket(channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public InputStream getInputStream() {
    return new In();
  }

  @Override
  public OutputStream getOutputStream() {
    return new Out();
  }

  @Override
  public void setSoTimeout(int milliseconds) {
    timeout = milliseconds;
  }

  @Override
  public int getSoTimeout() {
    return timeout;
  }

  @Override
  public boolean isClosed() {
    return !channel.isOpen();
  }

  @Override
  public void close() throws IOException {
    channel.close();
    readable.close();
    writable.close();
  }

  /// Waits until the channel takes or has bytes.
  private void await(Selector selector, int milliseconds) throws IOException {
    try {
      int ready = selector.select(milliseconds);
      if (Thread.currentThread().isInterrupted()) {
        close(); // As a socket does under a virtual thread.
        throw new SocketException("Closed by interrupt");
      }
      if (ready == 0 && milliseconds > 0 && channel.isOpen()) {
        throw new SocketTimeoutException("nothing came for " + milliseconds + " ms");
      }
      selector.selectedKeys().clear();
    } catch (ClosedSelectorException e) {
      throw closed(e);
    }
  }

  private static SocketException closed(Exception e) {
    var closed = new SocketException("Socket closed");
    closed.initCause(e);
    return closed;
  }

  private final class In extends InputStream {

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, target.length);
      if (length == 0) {
        return 0;
      }
      ByteBuffer buffer = ByteBuffer.wrap(target, offset, length);
      try {
        while (true) {
          int read = channel.read(buffer);
          if (read != 0) {
            return read;
          }
          await(readable, timeout);
        }
      } catch (ClosedChannelException e) {
        throw closed(e);
      }
    }
  }

  private final class Out extends OutputStream {

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
      ByteBuffer buffer = ByteBuffer.wrap(source, offset, length);
      try {
        while (buffer.hasRemaining()) {
          if (channel.write(buffer) == 0) {
            await(writable, 0);
          }
        }
      } catch (ClosedChannelException e) {
        throw closed(e);
      }
    }
  }
}
