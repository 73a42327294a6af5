package dev.varve.timeline;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.varve.model.Key;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Redo for tests: a page is a hash over all that happened to it, in order.
///
/// | offset | field                                     |
/// |--------|-------------------------------------------|
/// | 0      | hash of the image and all changes since   |
/// | 8      | how many changes                          |
/// | 16     | LSN of the last                           |
/// | 8184   | the image's value, once more              |
final class HashRedo implements PageRedo {

  static final int LAST = 8184;

  @Override
  public void apply(Key key, long lsn, MemorySegment page, MemorySegment change) {
    long last = page.get(JAVA_LONG_UNALIGNED, 16);
    if (Long.compareUnsigned(lsn, last) <= 0) {
      throw new AssertionError("change " + lsn + " after " + last);
    }
    long hash = page.get(JAVA_LONG_UNALIGNED, 0);
    page.set(JAVA_LONG_UNALIGNED, 0, next(hash, lsn, change.get(JAVA_LONG_UNALIGNED, 0)));
    page.set(JAVA_LONG_UNALIGNED, 8, page.get(JAVA_LONG_UNALIGNED, 8) + 1);
    page.set(JAVA_LONG_UNALIGNED, 16, lsn);
  }

  static long next(long hash, long lsn, long value) {
    return (hash * 31 + lsn) * 31 + value;
  }

  static MemorySegment image(long value, long lsn) {
    MemorySegment page = Arena.ofAuto().allocate(8192);
    page.set(JAVA_LONG_UNALIGNED, 0, value);
    page.set(JAVA_LONG_UNALIGNED, 16, lsn);
    page.set(JAVA_LONG_UNALIGNED, LAST, value);
    return page;
  }

  static MemorySegment change(long value) {
    MemorySegment bytes = Arena.ofAuto().allocate(8 + Math.floorMod(value, 40L));
    bytes.set(JAVA_LONG_UNALIGNED, 0, value);
    return bytes;
  }
}
