package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/// PostgreSQL's own compression (`common/pg_lzcompress.c`), decompression only.
///
/// The stream is groups: a control byte, then for each of its bits, lowest first, either one
/// literal byte (bit 0) or a match (bit 1) of 2 or 3 bytes:
///
/// | bytes | content                                                                     |
/// |------:|-----------------------------------------------------------------------------|
/// |     1 | high 4 bits: the distance's high bits; low 4 bits: length − 3               |
/// |     1 | the distance's low 8 bits: how far back in the output the match begins      |
/// |     1 | only when the 4 bits of the length are all set: more length, to be added    |
///
/// A match may overlap its own output, and the last one may say more than is left to fill. There is
/// no checksum: what is wrong otherwise decompresses to wrong bytes.
final class Pglz {

  private static final int MIN_MATCH = 3;
  private static final int LONG_MATCH = 18;

  private Pglz() {}

  /// Decompresses the `length` bytes at `offset` of the source to the first `room` of the target.
  ///
  /// @return the bytes written if the stream and the room ended together, else -1
  static int decompress(
      MemorySegment source, long offset, int length, MemorySegment target, int room) {
    long in = offset;
    long end = offset + length;
    int out = 0;
    while (in < end && out < room) {
      int control = source.get(JAVA_BYTE, in++);
      for (int bit = 0; bit < 8 && in < end && out < room; bit++, control >>= 1) {
        if ((control & 1) == 0) {
          target.set(JAVA_BYTE, out++, source.get(JAVA_BYTE, in++));
          continue;
        }
        if (end - in < 2) {
          return -1;
        }
        int first = source.get(JAVA_BYTE, in++) & 0xFF;
        int distance = ((first & 0xF0) << 4) | (source.get(JAVA_BYTE, in++) & 0xFF);
        int matchLength = (first & 0x0F) + MIN_MATCH;
        if (matchLength == LONG_MATCH) {
          if (in == end) {
            return -1;
          }
          matchLength += source.get(JAVA_BYTE, in++) & 0xFF;
        }
        if (distance == 0 || distance > out) {
          return -1;
        }
        // Byte by byte: a match may copy what it has itself just written.
        for (int stop = Math.min(out + matchLength, room); out < stop; out++) {
          target.set(JAVA_BYTE, out, target.get(JAVA_BYTE, out - distance));
        }
      }
    }
    return in == end && out == room ? out : -1;
  }
}
