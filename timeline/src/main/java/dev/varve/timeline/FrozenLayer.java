package dev.varve.timeline;

import dev.varve.layer.MemoryLayer;

/// An open layer that takes no more, until it is flushed.
///
/// @param end where its LSN range ends, excluded. The layer may have versions from there on: those
///   of a writer that was closed within a record. They do not count; they will come again.
record FrozenLayer(MemoryLayer layer, long end) {}
