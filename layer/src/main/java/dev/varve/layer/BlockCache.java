package dev.varve.layer;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import org.jspecify.annotations.Nullable;

/// Blocks of layer files, verified and unpacked; shared by all layers of a process, bounded in
/// bytes. Safe from any thread, and no thread waits for another's reading: two that miss the same
/// block at once both read it.
public final class BlockCache {

  /// What an entry takes beside its bytes, about.
  private static final int OVERHEAD = 128;

  private static final int LARGEST_SHARE = 16;

  private final long limit;
  private final Cache<BlockId, CachedBlock> blocks;

  /// A block of a file; files have numbers of their own in a process, so that no name is hashed.
  private record BlockId(long file, long offset) {
    @Override
    public int hashCode() {
      return Long.hashCode((file << 32 ^ offset) * 0x9E37_79B9_7F4A_7C15L);
    }
  }

  /// @param limit in bytes
  public BlockCache(long limit) {
    if (limit < 0) {
      throw new IllegalArgumentException("negative limit: " + limit);
    }
    this.limit = limit;
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
