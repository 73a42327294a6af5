package dev.varve.simulation;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.varve.model.Key;
import dev.varve.timeline.PageRedo;
import java.lang.foreign.MemorySegment;

/// Redo of simulated pages: a page is a hash over all that happened to it, in order.
///
/// | offset | field                                     |
/// |--------|-------------------------------------------|
/// | 0      | hash of the image and all changes since   |
/// | 8      | how many changes                          |
/// | 16     | LSN of the last                           |
/// | 24     | what follows from the image's value       |
/// | 8184   | the image's value                         |
final class HashRedo implements PageRedo {

  static final int PAGE = 8192;
  static final int FILL = 24;

  @Override
  public void apply(Key key, long lsn, MemorySegment page, MemorySegment change) {
    long last = page.get(JAVA_LONG_UNALIGNED, 16);
    if (Long.compareUnsigned(lsn, last) <= 0) {
      throw new Finding(key + ": redo of a change at " + lsn + " after one at " + last);
    }
    long value = change.get(JAVA_LONG_UNALIGNED, 0);
    requireWhole(key, lsn, change, value);
    long hash = page.get(JAVA_LONG_UNALIGNED, 0);
    page.set(JAVA_LONG_UNALIGNED, 0, next(hash, lsn, value));
    page.set(JAVA_LONG_UNALIGNED, 8, page.get(JAVA_LONG_UNALIGNED, 8) + 1);
    page.set(JAVA_LONG_UNALIGNED, 16, lsn);
  }

  private static void requireWhole(Key key, long lsn, MemorySegment change, long value) {
    long next = value;
    for (long at = 8; at + 8 <= change.byteSize(); at += 8) {
      next = following(next);
      if (change.get(JAVA_LONG_UNALIGNED, at) != next) {
        throw new Finding(key + ": the change at " + lsn + " is not what was put");
      }
    }
  }

  private static long following(long value) {
    return value * 0x5851_F42D_4C95_7F2DL + 1;
  }

  static long next(long hash, long lsn, long value) {
    return (hash * 31 + lsn) * 31 + value;
  }

  /// @param filled how many bytes have something in them; what follows packs well
  static MemorySegment image(long value, long lsn, int filled) {
    MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);
    page.set(JAVA_LONG_UNALIGNED, 0, value);
    page.set(JAVA_LONG_UNALIGNED, 16, lsn);
    fill(page, FILL, Math.min(filled, PAGE - 8), value);
    page.set(JAVA_LONG_UNALIGNED, PAGE - 8, value);
    return page;
  }

  /// What a page should be.
  static MemorySegment page(PageState.Page state) {
    MemorySegment page = image(state.image(), state.last(), state.filled());
    page.set(JAVA_LONG_UNALIGNED, 0, state.hash());
    page.set(JAVA_LONG_UNALIGNED, 8, state.count());
    return page;
  }

  /// @param size of the change, at least 8 bytes
  static MemorySegment change(long value, int size) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[size]);
    bytes.set(JAVA_LONG_UNALIGNED, 0, value);
    fill(bytes, 8, size, value);
    return bytes;
  }

  private static void fill(MemorySegment bytes, int from, int end, long value) {
    long next = value;
    for (int at = from; at + 8 <= end; at += 8) {
      next = following(next);
      bytes.set(JAVA_LONG_UNALIGNED, at, next);
    }
  }
}
