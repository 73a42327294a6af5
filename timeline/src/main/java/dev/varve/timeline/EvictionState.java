package dev.varve.timeline;

import java.time.Instant;
import java.util.Optional;

/// What eviction has done since the start, and how it stands with the disk.
///
/// @param layers how many layers it has evicted
/// @param bytes how many bytes that freed
/// @param usedPercent how full the disk was when it was looked at last
/// @param lookedAt when that was; empty: not yet
/// @param shortage why the disk is fuller than it should be and nothing more can go, a sentence;
///   empty when that is not so
public record EvictionState(
    long layers,
    long bytes,
    int usedPercent,
    Optional<Instant> lookedAt,
    Optional<String> shortage) {

  /// As at the start.
  public static final EvictionState NONE =
      new EvictionState(0, 0, 0, Optional.empty(), Optional.empty());
}
