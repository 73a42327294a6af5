package dev.varve.timeline;

import java.time.Duration;

/// Sizes and times that hold for all timelines of a server.
///
/// @param layerMemory bytes that open and frozen layers and batches of imports have together
/// @param blockCache bytes of layer files that are kept in memory
/// @param pageCache bytes of pages that are kept as they were made, off the heap; 0: none
/// @param checkpointDistance an open layer of so many bytes is frozen and flushed
/// @param checkpointTimeout an open layer of that age is frozen and flushed, however small
/// @param frozenLayers how many frozen layers of one timeline may wait before its ingest does
/// @param compaction when layers are merged
/// @param retention how much history is kept
/// @param restAfter a timeline that nobody uses for so long lets go of its list of layers
public record TimelineSettings(
    long layerMemory,
    long blockCache,
    long pageCache,
    long checkpointDistance,
    Duration checkpointTimeout,
    int frozenLayers,
    CompactionSettings compaction,
    RetentionSettings retention,
    Duration restAfter) {

  /// Unless said otherwise, the page cache has this part of what layers have.
  private static final int PAGE_CACHE_PART = 16;

  private static final Duration REST_AFTER = Duration.ofMinutes(10);

  private static final long MAX_CHECKPOINT_DISTANCE = 64L << 20;

  public TimelineSettings {
    if (layerMemory < 1 << 20 || blockCache < 0 || pageCache < 0) {
      throw new IllegalArgumentException(
          "too little memory: " + layerMemory + " and " + blockCache + " bytes");
    }
    if (checkpointDistance < 1 || checkpointDistance > layerMemory || frozenLayers < 1) {
      throw new IllegalArgumentException(
          "layers of " + checkpointDistance + " bytes don't fit into " + layerMemory);
    }
  }

  /// Merges as suits the size of flushed layers, keeps all history, and has a page cache of a
  /// sixteenth of what layers have, beside that.
  public TimelineSettings(
      long layerMemory,
      long blockCache,
      long checkpointDistance,
      Duration checkpointTimeout,
      int frozenLayers) {
    this(
        layerMemory,
        blockCache,
        layerMemory / PAGE_CACHE_PART,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        CompactionSettings.of(checkpointDistance),
        RetentionSettings.KEEP_ALL,
        REST_AFTER);
  }

  /// What suits a share of memory: three parts in four for layers, a sixteenth of them for the page
  /// cache, one for the block cache; layers so small that one timeline can have an open one and two
  /// frozen ones in half of its share.
  public static TimelineSettings ofMemory(long bytes) {
    long pages = bytes / 4 * 3 / PAGE_CACHE_PART;
    long layerMemory = bytes / 4 * 3 - pages;
    long distance = Math.min(MAX_CHECKPOINT_DISTANCE, Math.max(1, layerMemory / 6));
    return new TimelineSettings(layerMemory, bytes / 4, distance, Duration.ofMinutes(10), 2)
        .withPageCache(pages);
  }

  /// These, with another page cache.
  public TimelineSettings withPageCache(long bytes) {
    return new TimelineSettings(
        layerMemory,
        blockCache,
        bytes,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        compaction,
        retention,
        restAfter);
  }

  public TimelineSettings withCompaction(CompactionSettings newCompaction) {
    return new TimelineSettings(
        layerMemory,
        blockCache,
        pageCache,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        newCompaction,
        retention,
        restAfter);
  }

  public TimelineSettings withRetention(RetentionSettings newRetention) {
    return new TimelineSettings(
        layerMemory,
        blockCache,
        pageCache,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        compaction,
        newRetention,
        restAfter);
  }

  public TimelineSettings withRestAfter(Duration newRestAfter) {
    return new TimelineSettings(
        layerMemory,
        blockCache,
        pageCache,
        checkpointDistance,
        checkpointTimeout,
        frozenLayers,
        compaction,
        retention,
        newRestAfter);
  }
}
