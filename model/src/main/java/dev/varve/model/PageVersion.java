package dev.varve.model;

import java.lang.foreign.MemorySegment;

/// What the store keeps for one key at one LSN.
///
/// Carriers of bytes, at the boundaries: they compare by identity of their bytes, and are no keys
/// of maps. The bytes are borrowed from whoever hands the version over.
public sealed interface PageVersion {

  MemorySegment bytes();

  /// Whether redo can begin here, without an older version.
  boolean initializes();

  /// The whole value: a page of 8192 bytes, or the bytes of another kind of value.
  record Image(MemorySegment bytes) implements PageVersion {
    @Override
    public boolean initializes() {
      return true;
    }
  }

  /// What one WAL record does to this page: only what the page needs of it.
  record Change(MemorySegment bytes, boolean initializes) implements PageVersion {}
}
