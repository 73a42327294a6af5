package dev.varve.timeline;

import java.time.Duration;

/// Sizes and times that hold for all timelines of a server.
///
/// @param layerMemory bytes that open and frozen layers and batches of imports have together
/// @param blockCache bytes of layer files that are kept in memory
/// @param checkpointDistance an open layer of so many bytes is frozen and flushed
/// @param checkpointTimeout an open layer of that age is frozen and flushed, however small
/// @param frozenLayers how many frozen layers of one timeline may wait before its ingest does
public record TimelineSettings(
    long layerMemory,
    long blockCache,
    long checkpointDistance,
    Duration checkpointTimeout,
    int frozenLayers) {

  private static final long MAX_CHECKPOINT_DISTANCE = 64L << 20;

  public TimelineSettings {
    if (layerMemory < 1 << 20 || blockCache < 0) {
      throw new IllegalArgumentException(
          "too little memory: " + layerMemory + " and " + blockCache + " bytes");
    }
    if (checkpointDistance < 1 || checkpointDistance > layerMemory || frozenLayers < 1) {
      throw new IllegalArgumentException(
          "layers of " + checkpointDistance + " bytes don't fit into " + layerMemory);
    }
  }

  /// What suits a share of memory: three parts in four for layers, one for the block cache; layers
  /// so small that one timeline can have an open one and two frozen ones in half of its share.
  public static TimelineSettings ofMemory(long bytes) {
    long layerMemory = bytes / 4 * 3;
    long distance = Math.min(MAX_CHECKPOINT_DISTANCE, Math.max(1, layerMemory / 6));
    return new TimelineSettings(layerMemory, bytes / 4, distance, Duration.ofMinutes(10), 2);
  }
}
