package dev.varve.remote;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.CRC32C;

/// What is put into an object. It can be read any number of times and must not change meanwhile.
public sealed interface Content {

  /// In bytes.
  long size();

  /// A part of it, read from disk as it is asked for.
  ///
  /// @return gives exactly `length` bytes, or throws
  InputStream open(long offset, long length) throws IOException;

  /// The CRC-32C of a part of it.
  default int crc32c(long offset, long length) throws IOException {
    var crc = new CRC32C();
    var buffer = new byte[(int) Math.min(1 << 16, Math.max(1, length))];
    try (InputStream in = open(offset, length)) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        crc.update(buffer, 0, count);
      }
    }
    return (int) crc.getValue();
  }

  /// A file as it is now.
  static Content of(Path file) throws IOException {
    return new OfFile(file, Files.size(file));
  }

  static Content of(byte[] bytes) {
    return new OfBytes(bytes);
  }

  /// Bytes in memory: for small objects.
  final class OfBytes implements Content {

    private final byte[] bytes;

    private OfBytes(byte[] bytes) {
      this.bytes = bytes;
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public InputStream open(long offset, long length) {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      return new ByteArrayInputStream(bytes, (int) offset, (int) length);
    }
  }

  /// A file that has this size.
  record OfFile(Path file, long size) implements Content {

    @Override
    public InputStream open(long offset, long length) throws IOException {
      Objects.checkFromIndexSize(offset, length, size);
      return new FilePart(file, offset, length);
    }
  }
}
