package dev.varve.layer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32C;

/// Appends to a file through a buffer, and takes the CRC-32C of all that was appended. For one
/// thread.
final class LayerOutput implements AutoCloseable {

  private static final int BUFFER = 1 << 19;

  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
  private final CRC32C crc = new CRC32C();
  private long flushed;

  /// @param channel at the beginning of an empty file; closed by {@link #close}
  LayerOutput(FileChannel channel) {
    this.channel = channel;
  }

  long position() {
    return flushed + buffer.position();
  }

  void append(byte[] bytes, int length) throws IOException {
    int from = 0;
    while (from < length) {
      int part = Math.min(length - from, buffer.remaining());
      buffer.put(bytes, from, part);
      from += part;
      if (!buffer.hasRemaining()) {
        flush();
      }
    }
  }

  void flush() throws IOException {
    buffer.flip();
    crc.update(buffer.duplicate());
    while (buffer.hasRemaining()) {
      flushed += channel.write(buffer);
    }
    buffer.clear();
  }

  /// CRC-32C of what was flushed.
  int crc() {
    return (int) crc.getValue();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
