package dev.varve.layer;

/// Reads one varint ({@link Encoding}) after the other. One object serves any number of blocks.
///
/// The bytes have been checked by who made the block; a number that would end after `end` is an
/// {@link MalformedBlockException}, for that check.
final class Varints {

  private byte[] bytes = new byte[0];
  private int at;
  private int end;

  void reset(byte[] newBytes, int from, int to) {
    bytes = newBytes;
    at = from;
    end = to;
  }

  int position() {
    return at;
  }

  boolean atEnd() {
    return at == end;
  }

  void skip(int length) {
    at += length;
  }

  long next() throws MalformedBlockException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at >= end) {
        throw new MalformedBlockException("a number goes beyond its section");
      }
      byte b = bytes[at++];
      if (shift == 63 && b > 1) {
        break;
      }
      value |= (b & 0x7FL) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw new MalformedBlockException("a number is longer than 64 bits");
  }

  /// A length or count that is at most `most`.
  int nextInt(int most) throws MalformedBlockException {
    long value = next();
    if (value < 0 || value > most) {
      throw new MalformedBlockException(
          Long.toUnsignedString(value) + " where at most " + most + " was possible");
    }
    return (int) value;
  }
}
