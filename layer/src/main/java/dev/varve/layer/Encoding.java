package dev.varve.layer;

import dev.varve.model.Key;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Numbers and keys as they stand in layer files: little-endian, not aligned.
///
/// A *varint* is an unsigned number, seven bits a byte, lowest first; the top bit says that another
/// byte follows. It has at most ten bytes.
final class Encoding {

  static final int LONGEST_VARINT = 10;

  private static final VarHandle SHORT =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle BIG_LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle BIG_INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  private Encoding() {}

  static int getShort(byte[] bytes, int at) {
    return Short.toUnsignedInt((short) SHORT.get(bytes, at));
  }

  static void putShort(byte[] bytes, int at, int value) {
    SHORT.set(bytes, at, (short) value);
  }

  static int getInt(byte[] bytes, int at) {
    return (int) INT.get(bytes, at);
  }

  static void putInt(byte[] bytes, int at, int value) {
    INT.set(bytes, at, value);
  }

  static long getLong(byte[] bytes, int at) {
    return (long) LONG.get(bytes, at);
  }

  static void putLong(byte[] bytes, int at, long value) {
    LONG.set(bytes, at, value);
  }

  static long getBigLong(byte[] bytes, int at) {
    return (long) BIG_LONG.get(bytes, at);
  }

  static void putBigLong(byte[] bytes, int at, long value) {
    BIG_LONG.set(bytes, at, value);
  }

  /// Reads the {@link Key#BYTES} bytes of a key, in the order in which keys compare.
  static Key getKey(byte[] bytes, int at) {
    return new Key(
        Byte.toUnsignedInt(bytes[at]),
        (int) BIG_INT.get(bytes, at + 1),
        (int) BIG_INT.get(bytes, at + 5),
        (int) BIG_INT.get(bytes, at + 9),
        Byte.toUnsignedInt(bytes[at + 13]),
        (int) BIG_INT.get(bytes, at + 14));
  }

  static void putKey(byte[] bytes, int at, Key key) {
    bytes[at] = (byte) key.kind();
    BIG_INT.set(bytes, at + 1, key.tablespace());
    BIG_INT.set(bytes, at + 5, key.database());
    BIG_INT.set(bytes, at + 9, key.relation());
    bytes[at + 13] = (byte) key.fork();
    BIG_INT.set(bytes, at + 14, key.block());
  }

  /// @return where the bytes after the varint begin
  static int putVarint(byte[] bytes, int at, long value) {
    int to = at;
    long left = value;
    while ((left & ~0x7FL) != 0) {
      bytes[to++] = (byte) (left | 0x80);
      left >>>= 7;
    }
    bytes[to++] = (byte) left;
    return to;
  }

  /// The varint at `at`; the bytes have been checked to hold one.
  static long getVarint(byte[] bytes, int at) {
    byte first = bytes[at];
    if (first >= 0) {
      return first;
    }
    long value = first & 0x7FL;
    int from = at + 1;
    for (int shift = 7; ; shift += 7) {
      byte b = bytes[from++];
      value |= (b & 0x7FL) << shift;
      if (b >= 0) {
        return value;
      }
    }
  }

  /// Where the bytes after the varint at `at` begin.
  static int skipVarint(byte[] bytes, int at) {
    int last = at;
    while (bytes[last] < 0) {
      last++;
    }
    return last + 1;
  }
}
