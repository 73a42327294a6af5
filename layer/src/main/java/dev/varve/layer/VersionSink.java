package dev.varve.layer;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Takes the versions of one key, newest first.
@FunctionalInterface
public interface VersionSink {

  /// @param lsn of the version
  /// @param image whether `bytes` are the whole value; else they are a change
  /// @param initializes whether redo can begin with this version; true for every image
  /// @param bytes of the version, valid only during the call
  /// @return true when the caller has enough and wants no older version
  boolean add(long lsn, boolean image, boolean initializes, MemorySegment bytes);

  /// How a caller who reads key after key says so, ascending; null: it does not.
  default @Nullable ReadAhead ahead() {
    return null;
  }
}
