package dev.varve.datadir.backup;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.zstd.ZstdJavaInputStream;
import java.io.BufferedInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorInputStream;

/// A file as it was before it was compressed. How it was, its first bytes tell:
///
/// | first bytes         | compression                                             |
/// |---------------------|---------------------------------------------------------|
/// | `1F 8B`             | gzip                                                    |
/// | `04 22 4D 18`       | LZ4, in frames as the `lz4` program writes them         |
/// | `28 B5 2F FD`       | zstd, with a window of at most 8 MiB                    |
/// | `42 5A 68`          | bzip2: refused                                          |
/// | `FD 37 7A 58 5A 00` | xz: refused                                             |
/// | others              | none                                                    |
///
/// It is read as a stream: memory has a window of it, never the whole. Every failure to decompress
/// is an IOException.
final class Unpacked extends FilterInputStream {

  private static final int BUFFER = 1 << 18;
  private static final int LONGEST_MAGIC = 6;
  private static final String GZIP = "1f8b";
  private static final String LZ4 = "04224d18";
  private static final String ZSTD = "28b52ffd";
  private static final String BZIP2 = "425a68";
  private static final String XZ = "fd377a585a00";
  private static final List<String> MAGICS = List.of(GZIP, LZ4, ZSTD, BZIP2, XZ);

  private Unpacked(InputStream plain) {
    super(plain);
  }

  /// @throws IOException also when the file is compressed in a way that is refused
  static InputStream open(Path file) throws IOException {
    var buffered = new BufferedInputStream(Files.newInputStream(file), BUFFER);
    try {
      buffered.mark(LONGEST_MAGIC);
      String magic = HexFormat.of().formatHex(buffered.readNBytes(LONGEST_MAGIC));
      buffered.reset();
      return new Unpacked(unpack(file, magic, buffered));
    } catch (IOException e) {
      buffered.close();
      throw e;
    }
  }

  /// Whether a file is compressed, be it in a way that is refused.
  static boolean isPacked(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      String magic = HexFormat.of().formatHex(in.readNBytes(LONGEST_MAGIC));
      return MAGICS.stream().anyMatch(magic::startsWith);
    }
  }

  private static InputStream unpack(Path file, String magic, InputStream packed)
      throws IOException {
    if (magic.startsWith(GZIP)) {
      return new GZIPInputStream(packed, BUFFER);
    }
    if (magic.startsWith(LZ4)) {
      return new FramedLZ4CompressorInputStream(packed, true);
    }
    if (magic.startsWith(ZSTD)) {
      return new ZstdJavaInputStream(packed);
    }
    if (magic.startsWith(BZIP2) || magic.startsWith(XZ)) {
      throw new IOException(
          file
              + " is compressed by bzip2 or xz; decompress it, or compress it by gzip, lz4 or zstd");
    }
    return packed;
  }

  @Override
  public int read() throws IOException {
    try {
      return super.read();
    } catch (MalformedInputException e) {
      throw damaged(e);
    }
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    try {
      return super.read(target, offset, length);
    } catch (MalformedInputException e) {
      throw damaged(e);
    }
  }

  @Override
  public long skip(long count) throws IOException {
    try {
      return super.skip(count);
    } catch (MalformedInputException e) {
      throw damaged(e);
    }
  }

  private static IOException damaged(MalformedInputException e) {
    return new IOException("its compression is damaged: " + e.getMessage(), e);
  }
}
