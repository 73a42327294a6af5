package dev.varve.model;

import java.lang.foreign.MemorySegment;

/// The bytes of a {@link PageVersion} that is about to be stored: they are written straight to
/// where they will be kept.
@FunctionalInterface
public interface VersionBytes {

  /// Writes them, no more of them than was announced.
  ///
  /// @param offset where in `target` the first byte goes
  /// @return how many there are
  int write(MemorySegment target, long offset);
}
