package dev.varve.remote.directory;

import dev.varve.remote.Content;
import dev.varve.remote.LocalFailure;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.OptionalInt;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// The file of an object: its content, then a footer of {@value #FOOTER} bytes.
///
/// | offset from the content's end | bytes | what                                        |
/// |-------------------------------|-------|---------------------------------------------|
/// | 0                             | 8     | size of the content, big-endian             |
/// | 8                             | 4     | CRC-32C of the content                      |
/// | 12                            | 16    | the first half of its SHA-256: the etag     |
/// | 28                            | 8     | `VARVEOB1`                                  |
/// | 36                            | 4     | CRC-32C of the 36 bytes before              |
///
/// @param etag in hex
record ObjectFile(long size, int crc32c, String etag) {

  static final int FOOTER = 40;

  private static final int ETAG_BYTES = 16;
  private static final long MAGIC = 0x56415256454F4231L;
  private static final int CHUNK = 1 << 16;

  /// Writes and syncs a file that is there and empty.
  ///
  /// @throws LocalFailure when the content can't be read
  static ObjectFile write(Path file, Content content) throws IOException {
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
      MessageDigest digest = sha256();
      var crc = new CRC32C();
      var buffer = new byte[CHUNK];
      try (InputStream in = open(content)) {
        for (int count = read(in, buffer); count >= 0; count = read(in, buffer)) {
          digest.update(buffer, 0, count);
          crc.update(buffer, 0, count);
          writeAll(out, ByteBuffer.wrap(buffer, 0, count));
        }
      }
      String etag = HexFormat.of().formatHex(digest.digest(), 0, ETAG_BYTES);
      var written = new ObjectFile(content.size(), (int) crc.getValue(), etag);
      writeAll(out, written.footer());
      out.force(true);
      return written;
    }
  }

  private static InputStream open(Content content) throws LocalFailure {
    try {
      return content.open(0, content.size());
    } catch (IOException e) {
      throw new LocalFailure(e);
    }
  }

  private static int read(InputStream in, byte[] buffer) throws IOException {
    try {
      return in.read(buffer);
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException e) {
      throw new LocalFailure(e);
    }
  }

  private static void writeAll(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  private ByteBuffer footer() {
    ByteBuffer footer =
        ByteBuffer.allocate(FOOTER)
            .putLong(size)
            .putInt(crc32c)
            .put(HexFormat.of().parseHex(etag))
            .putLong(MAGIC);
    return footer.putInt(checksum(footer)).flip();
  }

  private static int checksum(ByteBuffer footer) {
    var crc = new CRC32C();
    crc.update(footer.slice(0, FOOTER - 4));
    return (int) crc.getValue();
  }

  /// @return null if this is no whole file of an object
  static @Nullable ObjectFile read(FileChannel file) throws IOException {
    long size = file.size() - FOOTER;
    if (size < 0) {
      return null;
    }
    ByteBuffer footer = ByteBuffer.allocate(FOOTER);
    while (footer.hasRemaining()) {
      if (file.read(footer, size + footer.position()) < 0) {
        return null;
      }
    }
    footer.flip();
    long written = footer.getLong();
    int crc32c = footer.getInt();
    var etag = new byte[ETAG_BYTES];
    footer.get(etag);
    boolean whole =
        footer.getLong() == MAGIC && footer.getInt() == checksum(footer) && written == size;
    return whole ? new ObjectFile(size, crc32c, HexFormat.of().formatHex(etag)) : null;
  }

  ObjectState state(ObjectName name, Instant modified) {
    return new ObjectState(name, size, etag, modified, OptionalInt.of(crc32c));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
