package dev.varve.layer;

import io.airlift.compress.v3.Decompressor;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import io.airlift.compress.v3.zstd.ZstdDecompressor;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// What reading a block needs beside the file: buffers and decompressors, made once and used again.
/// For one thread at a time.
final class BlockReader {

  private static final int BUFFER = 1 << 16;
  private static final int KEPT_CAPACITY = 1 << 20;

  private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER);
  private final Decompressor lz4 = Lz4Decompressor.create();
  private final Decompressor zstd = ZstdDecompressor.create();
  private byte[] framed = new byte[BUFFER];
  private byte[] unpacked = new byte[0];
  private @Nullable ByteBuffer run;

  /// What file channels read into without a copy of their own.
  ByteBuffer buffer() {
    return buffer;
  }

  /// At least `length` bytes for a frame and what follows it.
  byte[] framed(int length) {
    if (framed.length < length || framed.length > KEPT_CAPACITY) {
      framed = new byte[Math.max(BUFFER, length)];
    }
    return framed;
  }

  /// What was last read into what {@link #framed(int)} gave.
  byte[] framed() {
    return framed;
  }

  /// At least `length` bytes to unpack a block into that is looked at only once.
  byte[] unpacked(int length) {
    if (unpacked.length < length || unpacked.length > KEPT_CAPACITY) {
      unpacked = new byte[Math.max(BUFFER / 2, length)];
    }
    return unpacked;
  }

  /// A place for a run of adjacent blocks, which are then taken one by one.
  ByteBuffer run(int length) {
    ByteBuffer buffer = run;
    if (buffer == null || buffer.capacity() < length) {
      buffer = ByteBuffer.allocateDirect(Math.max(ReadAhead.MOST_PACKED, length));
      run = buffer;
    }
    return buffer.clear().limit(length);
  }

  /// Makes a block of the run the one that is unpacked next.
  void takeOfRun(int at, int length) {
    if (run == null) {
      throw new IllegalStateException("no run was read");
    }
    run.get(at, framed(length), 0, length);
  }

  /// Makes a block of a range the one that is unpacked next.
  void takeOf(byte[] range, int at, int length) {
    System.arraycopy(range, at, framed(length), 0, length);
  }

  /// Unpacks the block in {@link #framed}, whose frame has been checked.
  ///
  /// @param length of frame and packed bytes
  /// @param target for exactly `unpacked` bytes
  void unpack(Compression compression, int length, byte[] target, int unpacked)
      throws MalformedBlockException {
    int packed = length - BlockFrame.BYTES;
    int got =
        switch (compression) {
          case NONE -> copy(packed, target, unpacked);
          case LZ4 -> decompress(lz4, packed, target, unpacked);
          case ZSTD -> decompress(zstd, packed, target, unpacked);
        };
    if (got != unpacked) {
      throw new MalformedBlockException(
          "the block unpacks to " + got + " bytes, not to " + unpacked);
    }
  }

  private int copy(int packed, byte[] target, int unpacked) {
    System.arraycopy(framed, BlockFrame.BYTES, target, 0, Math.min(packed, unpacked));
    return packed;
  }

  private int decompress(Decompressor decompressor, int packed, byte[] target, int unpacked)
      throws MalformedBlockException {
    try {
      return decompressor.decompress(framed, BlockFrame.BYTES, packed, target, 0, unpacked);
    } catch (RuntimeException e) { // each of the decompressors has others for damaged input
      var malformed = new MalformedBlockException("the block does not unpack: " + e.getMessage());
      malformed.initCause(e);
      throw malformed;
    }
  }
}
