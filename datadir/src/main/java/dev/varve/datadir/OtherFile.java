package dev.varve.datadir;

import dev.varve.model.PageserverException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A file of a data directory that is kept as it is: configuration above all. Or a folder, whose
/// path ends with `/`: it has no contents.
///
/// Its value in the store, when it has at most {@link #PIECE} bytes:
///
/// | offset | bytes | holds                            |
/// |--------|-------|----------------------------------|
/// | 0      | 4     | length of the path, u32          |
/// | 4      | n     | path, UTF-8                      |
/// | 4 + n  | rest  | contents                         |
///
/// and when it has more: then its contents are in values of their own, of {@link #PIECE} bytes each
/// but for the last ({@link DirectoryKeys#otherFilePiece}), so that nobody has it whole in memory.
///
/// | offset | bytes | holds                            |
/// |--------|-------|----------------------------------|
/// | 0      | 4     | 2^31 + length of the path, u32   |
/// | 4      | n     | path, UTF-8                      |
/// | 4 + n  | 8     | bytes of contents, u64           |
///
/// @param path within the data directory, with `/` between names; at most {@link #MAX_PATH} bytes
/// @param size bytes of contents, at most {@link #MAX_SIZE}
/// @param inPieces whether the contents are in values of their own
public record OtherFile(String path, long size, boolean inPieces) {

  /// The longest path, in bytes of UTF-8.
  public static final int MAX_PATH = 1024;

  /// No file that a server needs to start comes near it.
  public static final long MAX_SIZE = 1L << 30;

  public static final int PIECE = 1 << 20;

  private static final int PIECES_FLAG = 1 << 31;

  /// A file to be stored.
  public OtherFile(String path, long size) {
    this(path, size, size > PIECE);
  }

  public boolean isFolder() {
    return path.endsWith("/");
  }

  /// How many values its contents have, if it is in pieces.
  public int pieces() {
    return (int) ((size + PIECE - 1) / PIECE);
  }

  /// How many bytes of the contents are in a piece.
  public int pieceSize(int piece) {
    return (int) Math.min(PIECE, size - (long) piece * PIECE);
  }

  /// The bytes to store.
  ///
  /// @param contents of a file that is not in pieces; else empty
  public byte[] encode(byte[] contents) {
    byte[] name = path.getBytes(StandardCharsets.UTF_8);
    int rest = inPieces ? Long.BYTES : contents.length;
    ByteBuffer value =
        ByteBuffer.allocate(Integer.BYTES + name.length + rest).order(ByteOrder.LITTLE_ENDIAN);
    value.putInt(name.length | (inPieces ? PIECES_FLAG : 0)).put(name);
    return inPieces ? value.putLong(size).array() : value.put(contents).array();
  }

  /// The inverse of {@link #encode}, but for the contents.
  ///
  /// @throws PageserverException.DataCorrupted when the bytes can't be such a value
  public static OtherFile decode(byte[] value) {
    if (value.length < Integer.BYTES) {
      throw corrupted(value.length);
    }
    ByteBuffer fields = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    int first = fields.getInt();
    int length = first & ~PIECES_FLAG;
    if (length == 0 || length > MAX_PATH || length > value.length - Integer.BYTES) {
      throw corrupted(value.length);
    }
    String path = new String(value, Integer.BYTES, length, StandardCharsets.UTF_8);
    int rest = value.length - Integer.BYTES - length;
    if (first > 0) {
      return new OtherFile(path, rest, false);
    }
    long size = rest == Long.BYTES ? fields.getLong(Integer.BYTES + length) : -1;
    if (size <= PIECE || size > MAX_SIZE) {
      throw corrupted(value.length);
    }
    return new OtherFile(path, size, true);
  }

  /// The contents of a file that is not in pieces.
  static byte[] contents(byte[] value) {
    return Arrays.copyOfRange(value, value.length - (int) decode(value).size(), value.length);
  }

  private static PageserverException corrupted(int length) {
    return new PageserverException.DataCorrupted(
        "a stored file of " + length + " bytes has no readable path or size");
  }
}
