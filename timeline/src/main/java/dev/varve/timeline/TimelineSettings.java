package dev.varve.timeline;

import java.time.Duration;

/// Sizes and times that hold for all timelines of a server.
///
/// @param layerMemory bytes that open and frozen layers and batches of imports have together
/// @param blockCache bytes of layer files that are kept in memory
/// @param checkpointDistance an open layer of so many bytes is frozen and flushed
/// @param checkpointTimeout an open layer of that age is frozen and flushed, however small
/// @param frozenLayers how many frozen layers of one timeline may wait before its ingest does
/// @param compaction when layers are merged
/// @param retention how much history is kept
public record TimelineSettings(
    long layerMemory,
    long blockCache,
    long checkpointDistance,
    Duration checkpointTimeout,
    int frozenLayers,
    CompactionSettings compaction,
    RetentionSettings retention) {

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

  /// Merges as suits the size of flushed layers, and keeps all history.
  public TimelineSettings(
      long layerMemory,
      long blockCache,
      long checkpointDistance,
      Duration checkpointTimeout,
      int frozenLayers) {
    this(
        layerMemory,
        blockCache,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        CompactionSettings.of(checkpointDistance),
        RetentionSettings.KEEP_ALL);
  }

  /// What suits a share of memory: three parts in four for layers, one for the block cache; layers
  /// so small that one timeline can have an open one and two frozen ones in half of its share.
  public static TimelineSettings ofMemory(long bytes) {
    long layerMemory = bytes / 4 * 3;
    long distance = Math.min(MAX_CHECKPOINT_DISTANCE, Math.max(1, layerMemory / 6));
    return new TimelineSettings(layerMemory, bytes / 4, distance, Duration.ofMinutes(10), 2);
  }

  public TimelineSettings withCompaction(CompactionSettings newCompaction) {
    return new TimelineSettings(
        layerMemory,
        blockCache,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        newCompaction,
        retention);
  }

  public TimelineSettings withRetention(RetentionSettings newRetention) {
    return new TimelineSettings(
        layerMemory,
        blockCache,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        compaction,
        newRetention);
  }
}
