package dev.varve.redo;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.FullPageImage;
import io.airlift.compress.v3.Compressor;
import io.airlift.compress.v3.lz4.Lz4JavaCompressor;
import io.airlift.compress.v3.zstd.ZstdJavaCompressor;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Makes full-page images of pages, as a server puts them into its records: without the hole, and
/// compressed or not.
final class PageImages {

  private static final int FURTHEST = 4095;
  private static final int LONGEST = 18 + 255;

  private PageImages() {}

  /// @param compression one of {@link FullPageImage}'s methods, of which version 14 has two
  /// @param apply whether redo shall restore the image
  /// @return the image, or none when it is not shorter than the page
  static RecordParts.@Nullable Image of(
      PgVersion version, byte[] page, int compression, boolean apply) {
    MemorySegment segment = MemorySegment.ofArray(page);
    int lower = Page.lower(segment);
    int upper = Page.upper(segment);
    boolean hole = lower >= Page.HEADER && lower < upper && upper <= Page.SIZE;
    int holeLength = hole ? upper - lower : 0;
    byte[] whole =
        hole
            ? Changes.bytes(Arrays.copyOf(page, lower), Arrays.copyOfRange(page, upper, Page.SIZE))
            : page;
    byte[] stored =
        switch (compression) {
          case FullPageImage.NONE -> whole;
          case FullPageImage.PGLZ -> pglz(whole);
          case FullPageImage.LZ4 -> compressed(new Lz4JavaCompressor(), whole);
          default -> compressed(new ZstdJavaCompressor(), whole);
        };
    if (compression != FullPageImage.NONE && stored.length >= whole.length) {
      return null;
    }
    int flags = (hole ? 1 : 0) | flags(version, compression, apply);
    byte[] header = Changes.bytes((short) stored.length, (short) (hole ? lower : 0), (byte) flags);
    if (hole && compression != FullPageImage.NONE) {
      header = Changes.bytes(header, (short) holeLength);
    }
    return new RecordParts.Image(MemorySegment.ofArray(header), MemorySegment.ofArray(stored));
  }

  private static int flags(PgVersion version, int compression, boolean apply) {
    if (version == PgVersion.V14) {
      return (apply ? 0x04 : 0) | (compression == FullPageImage.NONE ? 0 : 0x02);
    }
    return (apply ? 0x02 : 0) | (compression == FullPageImage.NONE ? 0 : 2 << compression);
  }

  private static byte[] compressed(Compressor compressor, byte[] bytes) {
    byte[] room = new byte[compressor.maxCompressedLength(bytes.length)];
    int length = compressor.compress(bytes, 0, bytes.length, room, 0, room.length);
    return Arrays.copyOf(room, length);
  }

  /// PostgreSQL's compression, with no ambition: for three bytes that were seen before, the last
  /// place where they were.
  private static byte[] pglz(byte[] bytes) {
    var out = new ByteArrayOutputStream();
    var group = new ByteArrayOutputStream();
    int[] seen = new int[1 << 12];
    int control = 0;
    int items = 0;
    for (int at = 0; at < bytes.length; ) {
      int matched = 0;
      if (at + 3 <= bytes.length) {
        int hash = ((bytes[at] << 8) ^ (bytes[at + 1] << 4) ^ bytes[at + 2]) & (seen.length - 1);
        int from = seen[hash] - 1;
        seen[hash] = at + 1;
        matched = from < 0 || at - from > FURTHEST ? 0 : length(bytes, from, at);
        if (matched >= 3) {
          putMatch(group, at - from, matched);
          control |= 1 << items;
        }
      }
      if (matched < 3) {
        matched = 1;
        group.write(bytes[at]);
      }
      at += matched;
      if (++items == 8 || at == bytes.length) {
        out.write(control);
        out.writeBytes(group.toByteArray());
        group.reset();
        control = 0;
        items = 0;
      }
    }
    return out.toByteArray();
  }

  private static int length(byte[] bytes, int from, int at) {
    int length = 0;
    while (length < LONGEST
        && at + length < bytes.length
        && bytes[from + length] == bytes[at + length]) {
      length++;
    }
    return length;
  }

  private static void putMatch(ByteArrayOutputStream group, int distance, int length) {
    group.write((distance >> 4 & 0xF0) | Math.min(length - 3, 15));
    group.write(distance);
    if (length >= 18) {
      group.write(length - 18);
    }
  }
}
