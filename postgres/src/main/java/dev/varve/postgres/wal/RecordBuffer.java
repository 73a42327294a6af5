package dev.varve.postgres.wal;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// The bytes of one record that crosses pages or chunks, gathered. Grows with the bytes that come,
/// never with what a header promises, and forgets a huge record's room after it.
final class RecordBuffer {

  private static final int INITIAL = 64 << 10;
  private static final int KEEP = 4 << 20;
  private static final int MAX_LENGTH = 1 << 30;

  private byte[] array = new byte[INITIAL];
  private MemorySegment bytes = MemorySegment.ofArray(array);
  private int length;

  /// Appends `count` bytes of the chunk.
  void append(MemorySegment chunk, long offset, int count) {
    if (count > array.length - length) {
      // No record is longer than 1 GiB.
      int doubled = (int) Math.min(2L * length, MAX_LENGTH);
      hold(Arrays.copyOf(array, Math.max(length + count, doubled)));
    }
    MemorySegment.copy(chunk, offset, bytes, length, count);
    length += count;
  }

  private void hold(byte[] room) {
    array = room;
    bytes = MemorySegment.ofArray(room);
  }

  void clear() {
    length = 0;
    if (array.length > KEEP) {
      hold(new byte[INITIAL]);
    }
  }

  boolean isEmpty() {
    return length == 0;
  }

  int length() {
    return length;
  }

  byte[] array() {
    return array;
  }

  /// The same bytes.
  MemorySegment bytes() {
    return bytes;
  }
}
