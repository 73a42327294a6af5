package dev.varve.timeline;

import dev.varve.layer.VersionSink;

/// Takes versions of one key from layer after layer, and knows when it needs no more.
interface VersionCollector extends VersionSink {

  /// No version below this LSN is wanted any more.
  long floor();

  /// What a read for this collector finds layer files with, for it alone; kept by collectors that
  /// are used again.
  default LayerSearch search() {
    return new LayerSearch();
  }

  /// Before the layers of a timeline are asked: takes what the page cache has of the key.
  ///
  /// @param lsn as of which the timeline is read
  default void takeCached(PageCacheView cache, long upper, long middle, long lower, long lsn) {}

  /// A layer map has been taken. What came from the page cache, up to an LSN before `retainedFrom`,
  /// must be forgotten: versions between the two may be gone from the layers.
  default void requireRetained(long retainedFrom) {}

  /// Is told how many more layers were asked.
  default void layersAsked(int more) {}
}
