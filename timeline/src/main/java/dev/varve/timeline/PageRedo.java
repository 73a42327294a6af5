package dev.varve.timeline;

import dev.varve.model.Key;
import java.lang.foreign.MemorySegment;

/// Brings a page from one version to the next. Handed in by whoever opens the tenants, for each
/// PostgreSQL version; any number of threads call it.
@FunctionalInterface
public interface PageRedo {

  /// Changes `page` (8192 bytes; all zero when the change initializes it) in place.
  ///
  /// @param lsn the LSN of the change
  /// @param change what the change was stored as; valid during the call only
  void apply(Key key, long lsn, MemorySegment page, MemorySegment change);
}
