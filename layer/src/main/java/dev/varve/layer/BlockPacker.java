package dev.varve.layer;

import io.airlift.compress.v3.Compressor;
import io.airlift.compress.v3.lz4.Lz4Compressor;
import io.airlift.compress.v3.zstd.ZstdCompressor;
import org.jspecify.annotations.Nullable;

/// Packs blocks and puts their frames before them. For one thread.
final class BlockPacker {

  private static final int ZSTD_LEVEL = 1;
  private static final int KEPT_CAPACITY = 1 << 21;

  private final Compression compression;
  private final @Nullable Compressor compressor;
  private byte[] framed = new byte[1 << 16];

  BlockPacker(Compression compression) {
    this.compression = compression;
    this.compressor =
        switch (compression) {
          case NONE -> null;
          case LZ4 -> Lz4Compressor.create();
          case ZSTD -> ZstdCompressor.create(ZSTD_LEVEL);
        };
  }

  /// @param at where the frame will begin in the file
  /// @return length of frame and packed bytes, which are in {@link #framed()}
  int pack(BlockKind kind, byte[] bytes, int length, long at) {
    Compressor packer = kind == BlockKind.FILTER ? null : compressor;
    int worst = packer == null ? length : Math.max(length, packer.maxCompressedLength(length));
    if (framed.length < worst + BlockFrame.BYTES || framed.length > KEPT_CAPACITY) {
      framed = new byte[Math.max(1 << 16, worst + BlockFrame.BYTES)];
    }
    int packed = length;
    if (packer != null) {
      packed = packer.compress(bytes, 0, length, framed, BlockFrame.BYTES, worst);
    }
    if (packer == null || packed > length - length / 16) {
      System.arraycopy(bytes, 0, framed, BlockFrame.BYTES, length);
      BlockFrame.write(framed, kind, Compression.NONE, length, length, at);
      return BlockFrame.BYTES + length;
    }
    BlockFrame.write(framed, kind, compression, packed, length, at);
    return BlockFrame.BYTES + packed;
  }

  byte[] framed() {
    return framed;
  }
}
