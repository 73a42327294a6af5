package dev.varve.timeline;

import java.util.function.LongSupplier;

/// The page cache, as one timeline uses it.
///
/// @param owner the timeline, as it is open now
/// @param retainedFrom the earliest LSN that a read may ask for, unsigned; all ones during the
///   import
record PageCacheView(PageCache cache, long owner, LongSupplier retainedFrom) {

  static PageCacheView of(PageCache cache, LongSupplier retainedFrom) {
    return new PageCacheView(cache, cache.newOwner(), retainedFrom);
  }

  /// Whether pages may be kept. During an import they may not: images come in as of LSNs that can
  /// be read already.
  boolean isKeeping() {
    return retainedFrom.getAsLong() != -1;
  }
}
