package dev.varve.datadir.backup;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// The bytes of a segment file, compressed or not, piece by piece. What is not compressed is copied
/// once, from the system's cache to a buffer outside the heap. Of one thread.
final class WalFileReader implements AutoCloseable {

  private static final int BUFFER = 1 << 18;

  private final ReadableByteChannel file;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment bytes;
  private final ByteBuffer buffer;
  private int offset;

  /// @param skip how many bytes to begin after
  /// @throws IOException also when the file is compressed in a way that is refused, or damaged
  WalFileReader(Path path, long skip) throws IOException {
    file =
        Unpacked.isPacked(path)
            ? Channels.newChannel(Unpacked.open(path))
            : FileChannel.open(path, StandardOpenOption.READ);
    bytes = arena.allocate(BUFFER);
    buffer = bytes.asByteBuffer().limit(0);
    try {
      skip(skip);
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  private void skip(long count) throws IOException {
    if (file instanceof FileChannel plain) {
      plain.position(count);
      return;
    }
    for (long left = count; left > 0; ) {
      int got = next((int) Math.min(left, BUFFER));
      if (got == 0) {
        return;
      }
      left -= got;
    }
  }

  /// Goes on by so many bytes, or as many as there are left. They are in {@link #bytes} from {@link
  /// #offset} on until the next call.
  ///
  /// @param length at most 256 KiB
  /// @return how many there are
  int next(int length) throws IOException {
    if (buffer.remaining() < length) {
      buffer.compact();
      while (buffer.position() < length && file.read(buffer) >= 0) {
        // One read may give less than there is.
      }
      buffer.flip();
    }
    offset = buffer.position();
    int got = Math.min(length, buffer.remaining());
    buffer.position(offset + got);
    return got;
  }

  MemorySegment bytes() {
    return bytes;
  }

  int offset() {
    return offset;
  }

  @Override
  public void close() throws IOException {
    arena.close();
    file.close();
  }
}
