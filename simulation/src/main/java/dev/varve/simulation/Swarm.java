package dev.varve.simulation;

import dev.varve.timeline.CompactionSettings;
import dev.varve.timeline.RetentionSettings;
import dev.varve.timeline.TimelineSettings;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// What one seed's run is like. Each seed has its own sizes, and leaves out some of what can
/// happen: so what is rare when everything happens at once comes up, too.
///
/// @param pages how many pages there are to write to
/// @param largest most bytes of a change
/// @param timelines how many there are at most
/// @param records most records of one step
/// @param orphans whether pages may have changes that nothing comes before, and tombstones
/// @param interleaved whether other things happen in the middle of reads and of changes to the disk
/// @param startFaults whether faults come while a process starts
/// @param checks how many reads are compared after each step
/// @param mostBytes of one read or write of a file
/// @param stored what the object store is like; null: there is none
record Swarm(
    TimelineSettings settings,
    int pages,
    int largest,
    int timelines,
    int records,
    boolean orphans,
    boolean interleaved,
    boolean startFaults,
    int checks,
    int mostBytes,
    @Nullable Stored stored) {

  /// What an object store is like.
  ///
  /// @param failing what part of the requests fails
  /// @param stubborn requests that name this fail more often than not
  /// @param staleLists whether lists may be old
  /// @param waitingBytes see {@link dev.varve.timeline.Remote}
  /// @param waitingTime see {@link dev.varve.timeline.Remote}
  /// @param evictAfter see {@link dev.varve.timeline.CacheSettings}
  record Stored(
      double failing,
      String stubborn,
      boolean staleLists,
      long waitingBytes,
      Duration waitingTime,
      Duration evictAfter) {}

  /// What a request may name.
  static final List<String> STUBBORN =
      List.of("manifest-", "/index-", "__", "delete", "newest", "nothing", "nothing", "nothing");

  private static final long MEMORY = 1 << 20;

  static Swarm of(SplittableRandom random) {
    Stored stored = random.nextInt(3) == 0 ? stored(random) : null;
    // With a store, requests are what others come in the middle of. A read that waits for one in
    // the middle of a change would wait for that change to end.
    boolean interleaved = stored == null && random.nextInt(3) == 0;
    return new Swarm(
        settings(random, stored == null ? interleaved : random.nextInt(8) == 0, stored == null),
        4 + random.nextInt(24),
        40 << random.nextInt(9),
        1 + random.nextInt(6),
        1 + random.nextInt(24),
        random.nextInt(4) == 0,
        interleaved,
        random.nextInt(3) == 0,
        1 + random.nextInt(4),
        random.nextInt(8) == 0 ? 100 + random.nextInt(5_000) : Integer.MAX_VALUE,
        stored);
  }

  private static Stored stored(SplittableRandom random) {
    return new Stored(
        random.nextInt(3) == 0 ? 0 : random.nextDouble() * 0.3,
        STUBBORN.get(random.nextInt(STUBBORN.size())),
        random.nextBoolean(),
        200L << random.nextInt(8),
        Duration.ofMinutes(1 + random.nextInt(60)),
        random.nextInt(3) == 0 ? Duration.ofMinutes(1 + random.nextInt(20)) : Duration.ZERO);
  }

  /// The block cache has everything or nothing, since which blocks it has otherwise is not for the
  /// seed to say. Reads in whose middle something can happen need to reach the disk.
  ///
  /// @param uncached whether there is no block cache
  /// @param sometimes whether there is none at times even so
  private static TimelineSettings settings(
      SplittableRandom random, boolean uncached, boolean sometimes) {
    return new TimelineSettings(
            MEMORY,
            uncached || (sometimes && random.nextInt(4) == 0) ? 0 : 16 * MEMORY,
            2_000L << random.nextInt(6),
            Duration.ofMinutes(10),
            1 + random.nextInt(2))
        .withPageCache(random.nextInt(3) * MEMORY / 4)
        .withCompaction(compaction(random))
        .withRetention(random.nextInt(4) == 0 ? RetentionSettings.KEEP_ALL : retention(random));
  }

  private static CompactionSettings compaction(SplittableRandom random) {
    long layerBytes = 500L << random.nextInt(6);
    return new CompactionSettings(
        2 + random.nextInt(3),
        2 + random.nextInt(3),
        layerBytes,
        layerBytes * (1 + random.nextInt(3)),
        0.1 + random.nextDouble(),
        random.nextInt(4_000));
  }

  private static RetentionSettings retention(SplittableRandom random) {
    return new RetentionSettings(
        random.nextInt(1 << random.nextInt(1, 12)),
        random.nextInt(3) == 0 ? Duration.ofMinutes(random.nextInt(60)) : Duration.ZERO,
        random.nextBoolean() ? Duration.ofMinutes(3) : Duration.ZERO);
  }
}
