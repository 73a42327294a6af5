package dev.varve.layer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32C;

/// Appends to a file through a buffer, and takes the CRC-32C of all that was appended. For one
/// thread.
final class LayerOutput implements AutoCloseable {

  private static final int BUFFER = 1 << 19;

  /// What a small file needs; a larger buffer is made when this one is full.
  private static final int FIRST_BUFFER = 1 << 15;

  private final FileChannel channel;

  /// What the buffer is of, to be freed at once: the JVM's own direct memory is only freed by a
  /// garbage collection, which many files in a row would force.
  private final Arena arena = Arena.ofShared();

  private ByteBuffer buffer = arena.allocate(FIRST_BUFFER).asByteBuffer();
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
        if (buffer.capacity() < BUFFER) {
          buffer = arena.allocate(BUFFER).asByteBuffer();
        }
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
    if (arena.scope().isAlive()) {
      arena.close();
    }
    channel.close();
  }
}
