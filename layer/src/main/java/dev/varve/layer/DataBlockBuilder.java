package dev.varve.layer;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Collects versions and makes a {@link DataBlock} of them. One object serves any number of blocks;
/// adding a version allocates nothing once its arrays have grown.
final class DataBlockBuilder {

  /// Bounds what the versions take beside their bytes.
  private static final int MOST_VERSIONS = 4096;

  /// What a small file has room for at once.
  private static final int FIRST_VERSIONS = 128;

  private static final int WORST_VERSION = 2 * Encoding.LONGEST_VARINT;
  private static final int WORST_KEY = 6 * Encoding.LONGEST_VARINT;
  private static final int KEPT_CAPACITY = 1 << 20;

  private byte[] block = new byte[1 << 12];
  private int payload;
  private int versions;
  private long[] lsns = new long[FIRST_VERSIONS];
  private int[] words = new int[FIRST_VERSIONS];
  private int keys;
  private long[] keyParts = new long[3 * FIRST_VERSIONS];
  private int[] firstVersions = new int[FIRST_VERSIONS + 1];
  private final int target;
  private int encodedTo;

  /// @param target how many bytes of versions a block is to have, unless there is only one version
  DataBlockBuilder(int target) {
    this.target = target;
  }

  boolean isEmpty() {
    return versions == 0;
  }

  /// Whether a version of `length` bytes belongs into this block.
  boolean hasRoomFor(int length) {
    return versions == 0 || (versions < MOST_VERSIONS && payload + length <= target);
  }

  int payload() {
    return payload;
  }

  int keys() {
    return keys;
  }

  int versions() {
    return versions;
  }

  long upper(int key) {
    return keyParts[3 * key];
  }

  long middle(int key) {
    return keyParts[3 * key + 1];
  }

  long lower(int key) {
    return keyParts[3 * key + 2];
  }

  long firstLsn() {
    return lsns[0];
  }

  /// Adds a version that follows the last one in the order of keys and LSNs.
  void add(
      long upper,
      long middle,
      long lower,
      long lsn,
      int flags,
      MemorySegment source,
      long offset,
      int length) {
    if (versions == lsns.length) {
      grow();
    }
    if (versions == 0 || !isLastKey(upper, middle, lower)) {
      keyParts[3 * keys] = upper;
      keyParts[3 * keys + 1] = middle;
      keyParts[3 * keys + 2] = lower;
      firstVersions[keys] = versions;
      keys++;
    }
    lsns[versions] = lsn;
    words[versions] = (length << 2) | flags;
    versions++;
    reserve(payload + length);
    MemorySegment.copy(source, ValueLayout.JAVA_BYTE, offset, block, payload, length);
    payload += length;
  }

  private void grow() {
    int most = Math.min(4 * versions, MOST_VERSIONS);
    lsns = Arrays.copyOf(lsns, most);
    words = Arrays.copyOf(words, most);
    keyParts = Arrays.copyOf(keyParts, 3 * most);
    firstVersions = Arrays.copyOf(firstVersions, most + 1);
  }

  private boolean isLastKey(long upper, long middle, long lower) {
    int last = keys - 1;
    return lower(last) == lower && middle(last) == middle && upper(last) == upper;
  }

  private void reserve(int capacity) {
    if (capacity > block.length) {
      block = Arrays.copyOf(block, Math.max(capacity, (int) Math.min(2L * block.length, 1 << 30)));
    }
  }

  /// Completes the block; its bytes are those of {@link #bytes()} up to the returned length.
  int finish() {
    firstVersions[keys] = versions;
    reserve(payload + versions * WORST_VERSION + keys * WORST_KEY + DataBlock.TRAILER);
    long base = lsns[0];
    for (int i = 1; i < versions; i++) {
      base = Long.compareUnsigned(lsns[i], base) < 0 ? lsns[i] : base;
    }
    encodedTo = payload;
    for (int key = 0; key < keys; key++) {
      putKey(key);
      putVersions(key, base);
    }
    int section = encodedTo - payload;
    Encoding.putInt(block, encodedTo, keys);
    Encoding.putInt(block, encodedTo + 4, section);
    Encoding.putLong(block, encodedTo + 8, base);
    return encodedTo + DataBlock.TRAILER;
  }

  private void putKey(int key) {
    boolean first = key == 0;
    if (!first && upper(key) == upper(key - 1) && middle(key) == middle(key - 1)) {
      put(lower(key) - lower(key - 1));
      return;
    }
    put(0);
    put(upper(key) - (first ? 0 : upper(key - 1)));
    Encoding.putLong(block, encodedTo, middle(key));
    encodedTo += Long.BYTES;
    put(lower(key));
  }

  private void putVersions(int key, long base) {
    int first = firstVersions[key];
    int last = firstVersions[key + 1] - 1;
    long bytes = 0;
    int section = 0;
    for (int i = last; i >= first; i--) {
      bytes += words[i] >>> 2;
      section += varintLength(i == last ? lsns[i] - base : lsns[i + 1] - lsns[i]);
      section += varintLength(Integer.toUnsignedLong(words[i]));
    }
    put(last - first + 1);
    put(section);
    put(bytes);
    for (int i = last; i >= first; i--) {
      put(i == last ? lsns[i] - base : lsns[i + 1] - lsns[i]);
      put(Integer.toUnsignedLong(words[i]));
    }
  }

  private void put(long value) {
    encodedTo = Encoding.putVarint(block, encodedTo, value);
  }

  private static int varintLength(long value) {
    return 1 + (Long.SIZE - 1 - Long.numberOfLeadingZeros(value | 1)) / 7;
  }

  byte[] bytes() {
    return block;
  }

  void clear() {
    payload = 0;
    versions = 0;
    keys = 0;
    if (block.length > KEPT_CAPACITY) {
      block = new byte[1 << 16];
    }
  }
}
