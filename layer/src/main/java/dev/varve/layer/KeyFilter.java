package dev.varve.layer;

/// Says of most keys that are not among some keys that they are not: a Bloom filter whose bits for
/// a key lie in 32 adjacent bytes, so that asking costs one access to memory.
///
/// The filter is a sequence of buckets, at least one, each of eight little-endian 32-bit words.
/// With the key's {@link KeyHash} as two halves, the bucket is `high × buckets >>> 32`; in word `i`
/// of it, bit `(low × SALT[i]) >>> 27` is set, all unsigned in 32 bits.
///
/// With {@link #BITS_PER_KEY} bits for a key one absent key in about 200 is not recognised.
final class KeyFilter implements CachedBlock {

  static final int BITS_PER_KEY = 12;

  static final int BUCKET = 32;
  private static final int[] SALT = {
    0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0xD6E8FEB9, 0xA0761D65, 0xE7037ED1
  };

  private final byte[] bytes;
  private final int buckets;

  KeyFilter(byte[] bytes, int buckets) {
    this.bytes = bytes;
    this.buckets = buckets;
  }

  @Override
  public byte[] bytes() {
    return bytes;
  }

  int buckets() {
    return buckets;
  }

  static KeyFilter of(byte[] bytes, int length) throws MalformedBlockException {
    if (length == 0 || length % BUCKET != 0) {
      throw new MalformedBlockException("a filter of " + length + " bytes");
    }
    return new KeyFilter(bytes, length / BUCKET);
  }

  /// The length of a filter for that many keys, in bytes.
  static int lengthFor(int keys) {
    long bits = (long) keys * BITS_PER_KEY;
    return (int) Math.max(BUCKET, (bits / Byte.SIZE + BUCKET - 1) / BUCKET * BUCKET);
  }

  private static int bucket(long hash, int buckets) {
    return (int) (((hash >>> 32) * buckets) >>> 32) * BUCKET;
  }

  private static int bit(long hash, int word) {
    return ((int) hash * SALT[word]) >>> 27;
  }

  void add(long hash) {
    int at = bucket(hash, buckets);
    for (int i = 0; i < SALT.length; i++) {
      int word = Encoding.getInt(bytes, at + 4 * i);
      Encoding.putInt(bytes, at + 4 * i, word | (1 << bit(hash, i)));
    }
  }

  boolean mayContain(long hash) {
    int at = bucket(hash, buckets);
    for (int i = 0; i < SALT.length; i++) {
      if (((Encoding.getInt(bytes, at + 4 * i) >>> bit(hash, i)) & 1) == 0) {
        return false;
      }
    }
    return true;
  }
}
