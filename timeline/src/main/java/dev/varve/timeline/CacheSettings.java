package dev.varve.timeline;

import java.time.Duration;

/// How much of the layers is kept on the local disk, where an object store has all of them.
///
/// @param evictAfter layers that were not used for so long are evicted; zero: age is no reason
/// @param highWater when more of the disk is used than this, in percent, layers are evicted, those
///   first that were not used for longest
/// @param lowWater until no more is used than this, in percent; nothing is downloaded beyond it
/// @param downloads how many whole layers are fetched at once; 0: none ever
/// @param disk says how full the disk is
public record CacheSettings(
    Duration evictAfter, int highWater, int lowWater, int downloads, DiskSpace disk) {

  /// Evicts nothing for its age, begins at 90 percent, stops at 80, fetches two layers at once.
  public static final CacheSettings DEFAULT =
      new CacheSettings(Duration.ZERO, 90, 80, 2, DiskSpace.OF_FILE_SYSTEM);

  public CacheSettings {
    if (lowWater < 0 || highWater < lowWater || highWater > 100) {
      throw new IllegalArgumentException(
          "a disk can't be filled up to " + highWater + " percent and emptied to " + lowWater);
    }
    if (evictAfter.isNegative() || downloads < 0) {
      throw new IllegalArgumentException(
          "layers can't be evicted after " + evictAfter + ", or fetched " + downloads + " at once");
    }
  }
}
