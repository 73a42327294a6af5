package dev.varve.layer;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/// Blocks of layer files, verified and unpacked; shared by all layers of a process, bounded in
/// bytes. Safe from any thread, and no thread waits for another's reading: two that miss the same
/// block at once both read it.
public final class BlockCache {

  /// What an entry takes beside its bytes, about.
  private static final int OVERHEAD = 128;

  private static final int LARGEST_SHARE = 16;

  /// One miss is remembered for so many bytes that fit in.
  private static final int BYTES_PER_MISS = 4096;

  private static final int FEWEST_MISSES = 1 << 10;
  private static final int MOST_MISSES = 1 << 20;

  private static final VarHandle MISS = MethodHandles.arrayElementVarHandle(long[].class);

  private final long limit;
  private final Cache<BlockId, CachedBlock> blocks;

  /// Hashes of blocks that were missed of late, each in the place that it says.
  private final long[] missed;

  /// A block of a file; files have numbers of their own in a process, so that no name is hashed.
  private record BlockId(long file, long offset) {
    @Override
    public int hashCode() {
      return Long.hashCode(hash(file, offset));
    }
  }

  private static long hash(long file, long offset) {
    return (file << 32 ^ offset) * 0x9E37_79B9_7F4A_7C15L;
  }

  /// @param limit in bytes
  public BlockCache(long limit) {
    if (limit < 0) {
      throw new IllegalArgumentException("negative limit: " + limit);
    }
    this.limit = limit;
    long misses = Math.clamp(limit / BYTES_PER_MISS, FEWEST_MISSES, MOST_MISSES);
    this.missed = new long[Integer.highestOneBit((int) misses)];
    this.blocks =
        Caffeine.newBuilder()
            .maximumWeight(limit)
            .weigher((BlockId _, CachedBlock block) -> weight(block))
            .executor(Runnable::run)
            .recordStats()
            .build();
  }

  private static int weight(CachedBlock block) {
    return block.bytes().length + OVERHEAD;
  }

  @Nullable CachedBlock get(long file, long offset) {
    return blocks.getIfPresent(new BlockId(file, offset));
  }

  /// Notes that a block was not there when it was asked for.
  ///
  /// @return whether that has happened before, and not long ago: a block that is read once would
  ///   only drive out others
  boolean wasMissed(long file, long offset) {
    long hash = hash(file, offset);
    int place = (int) (hash >>> 40) & missed.length - 1;
    boolean before = (long) MISS.getOpaque(missed, place) == hash;
    MISS.setOpaque(missed, place, hash);
    return before;
  }

  /// Whether the block is there; does not count as asking for it.
  boolean contains(long file, long offset) {
    return blocks.asMap().containsKey(new BlockId(file, offset));
  }

  /// Keeps a block, unless it is so large that it would drive out too many others.
  void put(long file, long offset, CachedBlock block) {
    if (weight(block) <= limit / LARGEST_SHARE) {
      blocks.put(new BlockId(file, offset), block);
    }
  }

  public long limit() {
    return limit;
  }

  /// Bytes of the blocks that are kept now, about.
  public long bytes() {
    return blocks
        .policy()
        .eviction()
        .orElseThrow(() -> new IllegalStateException("the cache is not bounded"))
        .weightedSize()
        .orElse(0);
  }

  /// How often a block was asked for and there.
  public long hits() {
    return blocks.stats().hitCount();
  }

  /// How often a block was asked for and not there.
  public long misses() {
    return blocks.stats().missCount();
  }
}
