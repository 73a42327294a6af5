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
}
