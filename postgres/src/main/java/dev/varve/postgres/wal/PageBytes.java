package dev.varve.postgres.wal;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/// Bytes of one page as an array, from which records are parsed: code that reads memory segments of
/// several kinds is slow at every access, and a server has several.
///
/// A chunk on the heap is read where it is. Of one off the heap, each page is copied once: of what
/// decoding costs, that is little. The records that are handed on refer to the chunk either way.
final class PageBytes {

  static final VarHandle U16 =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  static final VarHandle U32 =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  static final VarHandle U64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final byte[] copy = new byte[WalSegments.PAGE_SIZE];
  private final MemorySegment copySegment = MemorySegment.ofArray(copy);
  private MemorySegment chunk = MemorySegment.NULL;
  private byte @Nullable [] heap;
  private int heapStart;

  /// The bytes shown from now on are of this chunk.
  void chunk(MemorySegment bytes) {
    chunk = bytes;
    heap = null;
    if (bytes.heapBase().orElse(null) instanceof byte[] array) {
      heap = array;
      heapStart = (int) bytes.address();
    }
  }

  /// Forgets the chunk, so as not to keep its memory.
  void forget() {
    chunk = MemorySegment.NULL;
    heap = null;
  }

  /// Makes the `count` bytes at `offset` of the chunk, all of one page, be in {@link #array()}.
  ///
  /// @return where they begin there
  int show(long offset, int count) {
    if (heap != null) {
      return heapStart + (int) offset;
    }
    MemorySegment.copy(chunk, offset, copySegment, 0, count);
    return 0;
  }

  byte[] array() {
    return heap != null ? heap : copy;
  }
}
