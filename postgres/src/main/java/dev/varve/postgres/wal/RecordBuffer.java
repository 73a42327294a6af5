package dev.varve.postgres.wal;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// The bytes of one record that crosses pages or chunks, gathered. Grows with the bytes that come,
/// never with what a header promises, and forgets a huge record's room after it. Of a record that
/// is only to be checked it keeps the beginning, and the CRC of what passes.
final class RecordBuffer {

  private static final int INITIAL = 64 << 10;
  private static final int KEEP = 4 << 20;
  private static final int MAX_LENGTH = 1 << 30;

  /// What is kept of a record that passes: more than all the parts before a payload can take.
  static final int HEAD = 2048;

  private byte[] array = new byte[INITIAL];
  private MemorySegment bytes = MemorySegment.ofArray(array);
  private int length;
  private boolean passing;
  private final CRC32C body = new CRC32C();

  /// Appends `count` bytes of the chunk.
  void append(MemorySegment chunk, long offset, int count) {
    int kept = count;
    if (passing) {
      body.update(chunk.asSlice(offset, count).asByteBuffer());
      kept = Math.clamp(HEAD - length, 0, count);
    }
    if (kept > array.length - length && kept > 0) {
      // No record is longer than 1 GiB.
      int doubled = (int) Math.min(2L * length, MAX_LENGTH);
      hold(Arrays.copyOf(array, Math.max(length + kept, doubled)));
    }
    if (kept > 0) {
      MemorySegment.copy(chunk, offset, bytes, length, kept);
    }
    length += count;
  }

  /// From now on, and until {@link #clear()}, keeps nothing beyond {@link #HEAD}.
  ///
  /// @param header how many bytes, which are here already, the CRC is not to cover
  void pass(int header) {
    passing = true;
    body.reset();
    body.update(array, header, length - header);
  }

  boolean isPassing() {
    return passing;
  }

  /// Of all after the header of a record that passes.
  CRC32C body() {
    return body;
  }

  private void hold(byte[] room) {
    array = room;
    bytes = MemorySegment.ofArray(room);
  }

  void clear() {
    length = 0;
    passing = false;
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
