package dev.varve.postgres.wal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// The bytes of one record that crosses pages or chunks, gathered. Grows with the bytes that come,
/// never with what a header promises, and forgets a huge record's room after it.
final class RecordBuffer {

  private static final int INITIAL = 64 << 10;
  private static final int KEEP = 4 << 20;

  private MemorySegment bytes = MemorySegment.NULL;
  private ByteBuffer view = ByteBuffer.allocate(0);
  private int length;

  /// Appends `count` bytes of the chunk. The buffer is of the chunks' kind, on or off the heap:
  /// code that sees one kind only is faster.
  void append(MemorySegment chunk, long offset, int count) {
    if (count > bytes.byteSize() - length) {
      grow(length + count, chunk.isNative());
    }
    MemorySegment.copy(chunk, offset, bytes, length, count);
    length += count;
  }

  private void grow(int needed, boolean offHeap) {
    long size = Math.max(INITIAL, Math.max(needed, Math.min(2L * length, Integer.MAX_VALUE - 8)));
    MemorySegment larger =
        offHeap
            ? Arena.ofAuto().allocate(size, Long.BYTES)
            : MemorySegment.ofArray(new byte[(int) size]);
    MemorySegment.copy(bytes, 0, larger, 0, length);
    bytes = larger;
    view = larger.asByteBuffer();
  }

  void clear() {
    length = 0;
    if (bytes.byteSize() > KEEP) {
      bytes = MemorySegment.NULL;
    }
  }

  boolean isEmpty() {
    return length == 0;
  }

  int length() {
    return length;
  }

  MemorySegment bytes() {
    return bytes;
  }

  /// The same bytes, for those who want a buffer.
  ByteBuffer view() {
    return view;
  }
}
