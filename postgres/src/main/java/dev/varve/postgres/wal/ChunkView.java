package dev.varve.postgres.wal;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// The chunk in hand as a `ByteBuffer`, which is what the JDK's CRC takes. Made once for a segment,
/// and kept for the next chunk, which is often in the same one.
final class ChunkView {

  /// A `ByteBuffer` can't show more; longer chunks are taken in parts.
  static final long MAX_LENGTH = 1 << 30;

  private @Nullable MemorySegment shown;
  private ByteBuffer buffer = ByteBuffer.allocate(0);
  private long start;

  /// Shows at least the `length` bytes at `offset`. Another segment over the same memory may live
  /// and die with another arena, so the view is kept for the very same segment only.
  @SuppressWarnings({"ReferenceEquality", "MemorySegmentReferenceEquality"})
  void show(MemorySegment bytes, long offset, long length) {
    if (bytes.byteSize() > MAX_LENGTH) {
      buffer = bytes.asSlice(offset, length).asByteBuffer();
      start = offset;
      shown = null;
    } else if (bytes != shown) {
      buffer = bytes.asByteBuffer();
      start = 0;
      shown = bytes;
    }
  }

  ByteBuffer buffer() {
    return buffer;
  }

  /// Where the byte at this offset of the segment is in the buffer.
  int index(long offset) {
    return (int) (offset - start);
  }
}
