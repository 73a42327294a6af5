package dev.varve.datadir;

import dev.varve.model.PageserverException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A file of a data directory that is kept as it is: configuration above all.
///
/// Its value in the store:
///
/// | offset | bytes | holds                            |
/// |--------|-------|----------------------------------|
/// | 0      | 4     | length of the path, u32          |
/// | 4      | n     | path, UTF-8                      |
/// | 4 + n  | rest  | contents                         |
///
/// Immutable.
public final class OtherFile {

  /// The longest path, in bytes of UTF-8.
  public static final int MAX_PATH = 1024;

  private final String path;
  private final byte[] contents;

  /// @param path within the data directory, with `/` between names; at most {@link #MAX_PATH} bytes
  public OtherFile(String path, byte[] contents) {
    this.path = path;
    this.contents = contents.clone();
  }

  /// Within the data directory, with `/` between names.
  public String path() {
    return path;
  }

  public byte[] contents() {
    return contents.clone();
  }

  /// The bytes to store.
  public byte[] encode() {
    byte[] name = path.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Integer.BYTES + name.length + contents.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(name.length)
        .put(name)
        .put(contents)
        .array();
  }

  /// The inverse of {@link #encode}.
  ///
  /// @throws PageserverException.DataCorrupted when the bytes can't be such a value
  public static OtherFile decode(byte[] value) {
    if (value.length < Integer.BYTES) {
      throw corrupted(value.length);
    }
    int length = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getInt();
    if (length <= 0 || length > MAX_PATH || length > value.length - Integer.BYTES) {
      throw corrupted(value.length);
    }
    int contents = Integer.BYTES + length;
    return new OtherFile(
        new String(value, Integer.BYTES, length, StandardCharsets.UTF_8),
        Arrays.copyOfRange(value, contents, value.length));
  }

  private static PageserverException corrupted(int length) {
    return new PageserverException.DataCorrupted(
        "a stored file of " + length + " bytes has no readable path");
  }
}
