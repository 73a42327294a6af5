package dev.varve.layer;

import java.util.zip.CRC32C;

/// What stands before every block in a layer file.
///
/// | offset | length | field                                                          |
/// |--------|--------|----------------------------------------------------------------|
/// | 0      | 4      | length of the packed bytes                                     |
/// | 4      | 4      | length of the unpacked bytes                                   |
/// | 8      | 1      | kind: 1 data, 2 filter, 3 index leaf, 4 index root             |
/// | 9      | 1      | compression: 0 none, 1 LZ4, 2 Zstandard                        |
/// | 10     | 2      | 0                                                              |
/// | 12     | 4      | CRC-32C, see below                                             |
/// | 16     | length | the packed bytes                                               |
///
/// The CRC is taken over the first 12 bytes, the frame's offset in the file as 8 bytes, and the
/// packed bytes: a block that is whole but in the wrong place is noticed.
final class BlockFrame {

  static final int BYTES = 16;

  private BlockFrame() {}

  /// Writes the frame of the `packed` bytes that follow it in `target`.
  static void write(
      byte[] target, BlockKind kind, Compression compression, int packed, int unpacked, long at) {
    Encoding.putInt(target, 0, packed);
    Encoding.putInt(target, 4, unpacked);
    target[8] = (byte) kind.code();
    target[9] = (byte) compression.code();
    Encoding.putShort(target, 10, 0);
    Encoding.putInt(target, 12, crc(target, packed, at));
  }

  /// Checks a frame and the bytes after it against what the index says of them.
  ///
  /// @param length of frame and packed bytes
  /// @return how the bytes are packed
  static Compression check(byte[] block, int length, BlockKind kind, int unpacked, long at)
      throws MalformedBlockException {
    int packed = Encoding.getInt(block, 0);
    if (packed != length - BYTES) {
      throw new MalformedBlockException(
          "the block's length is " + packed + ", the index says " + (length - BYTES));
    }
    if (Encoding.getInt(block, 12) != crc(block, packed, at)) {
      throw new MalformedBlockException("the block's checksum is wrong");
    }
    if (block[8] != kind.code() || Encoding.getShort(block, 10) != 0) {
      throw new MalformedBlockException("not a block of kind " + kind + ": " + block[8]);
    }
    if (Encoding.getInt(block, 4) != unpacked) {
      throw new MalformedBlockException(
          "unpacked, the block has "
              + Encoding.getInt(block, 4)
              + " bytes, the index says "
              + unpacked);
    }
    for (Compression compression : Compression.values()) {
      if (compression.code() == block[9]) {
        return compression;
      }
    }
    throw new MalformedBlockException("unknown compression " + block[9]);
  }

  private static int crc(byte[] block, int packed, long at) {
    var crc = new CRC32C();
    crc.update(block, 0, 12);
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      crc.update((int) (at >>> shift));
    }
    crc.update(block, BYTES, packed);
    return (int) crc.getValue();
  }
}
