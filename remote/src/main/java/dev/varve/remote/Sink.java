package dev.varve.remote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/// Where the bytes of an object go. They come in order, but when a read is tried again they come
/// from the beginning again: that is what the position is for.
@FunctionalInterface
public interface Sink {

  /// Takes all that remains in `bytes`.
  ///
  /// @param position of the first of them, counted from the first byte that was asked for
  /// @throws IOException when they can't be kept; no fault of the store, so it is not tried again
  void write(long position, ByteBuffer bytes) throws IOException;

  /// Into memory. The target's own position stays where it is.
  static Sink to(ByteBuffer target) {
    int start = target.position();
    return (position, bytes) -> {
      if (bytes.remaining() > target.limit() - start - position) {
        throw new IOException(
            "more than the " + (target.limit() - start) + " bytes that there is room for");
      }
      target.put((int) (start + position), bytes, bytes.position(), bytes.remaining());
    };
  }

  /// Into a file, from `offset` on.
  static Sink to(FileChannel file, long offset) {
    return (position, bytes) -> {
      long at = offset + position;
      while (bytes.hasRemaining()) {
        at += file.write(bytes, at);
      }
    };
  }
}
