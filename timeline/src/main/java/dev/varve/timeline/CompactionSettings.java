package dev.varve.timeline;

/// When layers are merged, and how much at once.
///
/// @param flushedLayers so many layers of level 0 are merged into level 1
/// @param depth where so many layers of one higher level lie over each other, they are merged into
///   the next level
/// @param layerBytes a file that a merge writes ends at about this size
/// @param sliceBytes a merge of higher levels commits what it has done whenever it has written so
///   much
/// @param bottomShare history before the GC cutoff is dropped when the layers that have it, and
///   were not at the bottom yet, come to this share of those that are
/// @param bottomLeast and to so many bytes
public record CompactionSettings(
    int flushedLayers,
    int depth,
    long layerBytes,
    long sliceBytes,
    double bottomShare,
    long bottomLeast) {

  /// For layers that are flushed at 64 MiB.
  public static final CompactionSettings DEFAULT = of(64L << 20);

  public CompactionSettings {
    if (flushedLayers < 2 || depth < 2 || layerBytes < 1 || sliceBytes < layerBytes) {
      throw new IllegalArgumentException(
          "can't merge %d layers, or %d, to %d of %d bytes"
              .formatted(flushedLayers, depth, sliceBytes, layerBytes));
    }
    if (!(bottomShare > 0) || bottomLeast < 0) {
      throw new IllegalArgumentException("a share of " + bottomShare + ", or " + bottomLeast);
    }
  }

  /// For layers that are flushed at a size.
  public static CompactionSettings of(long checkpointDistance) {
    return new CompactionSettings(
        8, 8, checkpointDistance, 4 * checkpointDistance, 0.5, 2 * checkpointDistance);
  }
}
