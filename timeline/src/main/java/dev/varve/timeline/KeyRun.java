package dev.varve.timeline;

import dev.varve.layer.ReadAhead;
import org.jspecify.annotations.Nullable;

/// Keys that follow each other closely and are read in their order, the first and the last of them
/// by their numbers. One key alone is its own last.
record KeyRun(long upper, long middle, long lower, long lastLower) {

  /// What a layer is told of how far the caller reads on; null: no further than the first key.
  @Nullable ReadAhead ahead() {
    if (lower == lastLower) {
      return null;
    }
    var ahead = new ReadAhead();
    ahead.readOnTo(upper, middle, lastLower);
    return ahead;
  }
}
