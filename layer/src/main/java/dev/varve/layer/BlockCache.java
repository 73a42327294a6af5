package dev.varve.layer;

/// Blocks of layer files, verified and unpacked; shared by all layers of a process.
public final class BlockCache {
  /// @param limit in bytes
  public BlockCache(long limit) {
    if (limit < 0) {
      throw new IllegalArgumentException("negative limit: " + limit);
    }
  }
}
