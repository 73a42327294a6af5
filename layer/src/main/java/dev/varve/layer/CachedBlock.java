package dev.varve.layer;

/// A block of a layer file in memory, verified and unpacked. Nobody changes it.
sealed interface CachedBlock permits DataBlock, IndexBlock, KeyFilter {

  /// The unpacked bytes; a block may be shorter than the array.
  byte[] bytes();
}
