package dev.varve.postgres.wal;

import dev.varve.postgres.PgVersion;
import io.airlift.compress.v3.Decompressor;
import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/// A whole page within a record: 8192 bytes without their hole (the unused middle, all zero), and
/// what is left perhaps compressed, in the raw block format of its method: pglz without its length
/// word, an LZ4 block, a zstd frame.
///
/// Thread-safe.
public final class FullPageImage {

  /// Bytes of a page, as every server that Varve supports has them (`BLCKSZ`).
  public static final int PAGE_SIZE = 8192;

  public static final int NONE = 0;
  public static final int PGLZ = 1;
  public static final int LZ4 = 2;
  public static final int ZSTD = 3;

  private static final Decompressor LZ4_DECOMPRESSOR = new Lz4JavaDecompressor();

  /// A zstd decompressor has large tables and serves one page at a time. Some are kept; not one for
  /// each thread, because virtual threads are many.
  private static final Queue<Decompressor> ZSTD_DECOMPRESSORS =
      new ArrayBlockingQueue<>(Runtime.getRuntime().availableProcessors());

  private FullPageImage() {}

  /// The flags of an image that say that it is compressed.
  static int compressionFlags(PgVersion version) {
    return version == PgVersion.V14 ? 0x02 : 0x1C;
  }

  /// The method that an image's flags name. When they name several, the first of PostgreSQL's
  /// order.
  static int compression(PgVersion version, int flags) {
    if (version == PgVersion.V14) {
      return (flags & 0x02) != 0 ? PGLZ : NONE;
    }
    if ((flags & 0x04) != 0) {
      return PGLZ;
    }
    if ((flags & 0x08) != 0) {
      return LZ4;
    }
    return (flags & 0x10) != 0 ? ZSTD : NONE;
  }

  /// Writes the 8192 bytes of the image of the `i`-th block reference of a record to `page`. The
  /// page's LSN is as it was when the image was taken: older than the record.
  ///
  /// @throws WalException when the image does not fill the page exactly
  public static void restore(WalRecord record, int i, MemorySegment page) {
    String damage =
        expand(
            record.bytes(),
            record.imageOffset(i),
            record.imageLength(i),
            record.holeOffset(i),
            record.holeLength(i),
            record.imageCompression(i),
            page);
    if (damage != null) {
      throw new WalException(record.startLsn(), "block " + record.blockId(i) + ": " + damage);
    }
  }

  /// Writes the 8192 bytes of an image whose record isn't at hand.
  ///
  /// @param source the image is the `length` bytes at `offset` of it
  /// @throws WalException with LSN 0 when the image does not fill the page exactly
  public static void restore(
      MemorySegment source,
      long offset,
      int length,
      int holeOffset,
      int holeLength,
      int compression,
      MemorySegment page) {
    String damage = expand(source, offset, length, holeOffset, holeLength, compression, page);
    if (damage != null) {
      throw new WalException(0, damage);
    }
  }

  /// @return what is wrong with the image; null when nothing is
  private static @Nullable String expand(
      MemorySegment source,
      long offset,
      int length,
      int holeOffset,
      int holeLength,
      int compression,
      MemorySegment page) {
    if (page.byteSize() < PAGE_SIZE) {
      throw new IllegalArgumentException("a page has 8192 bytes, not " + page.byteSize());
    }
    if (holeOffset < 0 || holeLength < 0 || holeOffset > PAGE_SIZE - holeLength) {
      return "a page image has a hole of " + holeLength + " at " + holeOffset;
    }
    if (length < 0 || length > PAGE_SIZE || offset < 0 || offset > source.byteSize() - length) {
      return "a page image can't have " + length + " bytes at " + offset;
    }
    int stored = PAGE_SIZE - holeLength;
    int holeEnd = holeOffset + holeLength;
    int got =
        switch (compression) {
          case NONE -> length;
          case PGLZ -> Pglz.decompress(source, offset, length, page, stored);
          case LZ4 -> decompress(LZ4_DECOMPRESSOR, source, offset, length, page, stored);
          case ZSTD -> decompressZstd(source, offset, length, page, stored);
          default -> -1;
        };
    if (got != stored) {
      return "a page image is damaged: its "
          + length
          + " bytes, by compression "
          + compression
          + ", do not give "
          + stored;
    }
    if (compression == NONE) {
      MemorySegment.copy(source, offset, page, 0, holeOffset);
      MemorySegment.copy(source, offset + holeOffset, page, holeEnd, PAGE_SIZE - holeEnd);
    } else {
      MemorySegment.copy(page, holeOffset, page, holeEnd, PAGE_SIZE - holeEnd);
    }
    page.asSlice(holeOffset, holeLength).fill((byte) 0);
    return null;
  }

  private static int decompressZstd(
      MemorySegment source, long offset, int length, MemorySegment page, int stored) {
    Decompressor kept = ZSTD_DECOMPRESSORS.poll();
    Decompressor decompressor = kept == null ? new ZstdJavaDecompressor() : kept;
    int got = decompress(decompressor, source, offset, length, page, stored);
    ZSTD_DECOMPRESSORS.offer(decompressor);
    return got;
  }

  /// @return the bytes written, or -1 when the image is damaged
  private static int decompress(
      Decompressor decompressor,
      MemorySegment source,
      long offset,
      int length,
      MemorySegment page,
      int stored) {
    try {
      return decompressor.decompress(source.asSlice(offset, length), page.asSlice(0, stored));
    } catch (RuntimeException e) {
      // Of any kind: nobody says what the decompressors throw at damaged input, besides
      // MalformedInputException. Zstd has three others.
      return -1;
    }
  }
}
