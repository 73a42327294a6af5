package dev.varve.layer;

/// A hash of a key in 64 bits. Part of the file format: {@link KeyFilter} is built on it.
///
/// The three parts of the key are folded into one number by multiplying with odd constants and
/// rotating; two rounds of multiply and shift then make every bit of the result depend on every bit
/// of it.
final class KeyHash {

  private static final long A = 0x9E37_79B9_7F4A_7C15L;
  private static final long B = 0xC2B2_AE3D_27D4_EB4FL;
  private static final long C = 0x1656_67B1_9E37_79F9L;
  private static final long D = 0xD6E8_FEB8_6659_FD93L;

  private KeyHash() {}

  static long of(long upper, long middle, long lower) {
    long h = Long.rotateLeft(upper * A, 21) ^ middle;
    h = Long.rotateLeft(h * B, 31) ^ lower;
    h *= C;
    h = (h ^ h >>> 32) * D;
    h = (h ^ h >>> 32) * D;
    return h ^ h >>> 32;
  }
}
