package dev.varve.layer;

import java.util.Arrays;

/// Walks over a {@link DataBlock}, keys and LSNs ascending. One object serves any number of blocks.
final class DataBlockWalk {

  private byte[] bytes = new byte[0];
  private long base;
  private int at;
  private int keysLeft;
  private int payload;
  long upper;
  long middle;
  long lower;

  private long[] lsns = new long[16];
  private long[] words = new long[16];
  private int version;

  void reset(DataBlock block) {
    bytes = block.bytes();
    base = block.baseLsn();
    at = block.keySection();
    keysLeft = block.keyCount();
    payload = 0;
    upper = 0;
    middle = 0;
    lower = 0;
    version = 0;
  }

  /// Moves to the next version.
  ///
  /// @return false at the end of the block
  boolean next() {
    if (version > 0) {
      payload += size();
      version--;
    }
    if (version == 0) {
      if (keysLeft == 0) {
        return false;
      }
      keysLeft--;
      nextKey();
    }
    return true;
  }

  private void nextKey() {
    long step = varint();
    if (step != 0) {
      lower += step;
    } else {
      upper += varint();
      middle = Encoding.getLong(bytes, at);
      at += Long.BYTES;
      lower = varint();
    }
    version = (int) varint();
    at = Encoding.skipVarint(bytes, at);
    at = Encoding.skipVarint(bytes, at);
    if (version > lsns.length) {
      lsns = Arrays.copyOf(lsns, Integer.highestOneBit(version) * 2);
      words = Arrays.copyOf(words, lsns.length);
    }
    long lsn = base + varint();
    lsns[0] = lsn;
    words[0] = varint();
    for (int i = 1; i < version; i++) {
      lsn -= varint();
      lsns[i] = lsn;
      words[i] = varint();
    }
  }

  private long varint() {
    long value = Encoding.getVarint(bytes, at);
    at = Encoding.skipVarint(bytes, at);
    return value;
  }

  long lsn() {
    return lsns[version - 1];
  }

  boolean image() {
    return (words[version - 1] & DataBlock.IMAGE) != 0;
  }

  boolean initializes() {
    return (words[version - 1] & DataBlock.INITIALIZES) != 0;
  }

  /// Where the bytes of the version begin in the block.
  int offset() {
    return payload;
  }

  int size() {
    return (int) (words[version - 1] >>> 2);
  }
}
