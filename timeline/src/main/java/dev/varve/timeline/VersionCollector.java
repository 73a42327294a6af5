package dev.varve.timeline;

import dev.varve.layer.VersionSink;

/// Takes versions of one key from layer after layer, and knows when it needs no more.
interface VersionCollector extends VersionSink {

  /// No version below this LSN is wanted any more.
  long floor();
}
