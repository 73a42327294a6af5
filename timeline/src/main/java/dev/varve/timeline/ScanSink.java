package dev.varve.timeline;

import dev.varve.model.Key;
import java.lang.foreign.MemorySegment;

/// Takes what a scan finds, in the order of the keys.
@FunctionalInterface
public interface ScanSink {

  /// @param value valid during the call only
  void value(Key key, MemorySegment value);
}
