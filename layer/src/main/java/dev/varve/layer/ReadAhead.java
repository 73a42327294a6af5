package dev.varve.layer;

import dev.varve.model.Key;
import org.jspecify.annotations.Nullable;

/// What a caller that reads key after key, ascending, has beside the {@link BlockCache}: how far it
/// will go on, and some blocks that it has met on the way. Of one thread, and of one batch of keys:
/// it keeps blocks from the garbage collector.
///
/// A layer file that has to read a data block for it takes adjacent blocks up to that key along, in
/// one read: up to {@link #MOST_PACKED} bytes.
public final class ReadAhead {

  /// How many bytes of a file are read at once.
  static final int MOST_PACKED = 1 << 18;

  /// How many bytes they may be unpacked.
  static final int MOST_UNPACKED = 1 << 19;

  /// A block has one place, by its file and offset; another takes it over.
  private static final int PLACES = 64;

  private final @Nullable CachedBlock[] blocks = new CachedBlock[PLACES];
  private final long[] files = new long[PLACES];
  private final long[] offsets = new long[PLACES];

  /// In the leaf that was searched last, where the block was.
  int lastEntry;

  private long upper;
  private long middle;
  private long lower;

  /// The caller reads on up to this key, included, and may skip a few in between.
  public void readOnTo(long newUpper, long newMiddle, long newLower) {
    upper = newUpper;
    middle = newMiddle;
    lower = newLower;
  }

  /// Whether the caller may read the block of an index entry.
  boolean wants(IndexBlock leaf, int entry) {
    long u = leaf.upper(entry);
    long m = leaf.middle(entry);
    return Key.compare(u, m, leaf.lower(entry), upper, middle, lower) <= 0;
  }

  private static int place(long file, long offset) {
    return (int) (((file * 31 + offset) * 0x9E37_79B9_7F4A_7C15L) >>> 58);
  }

  @Nullable CachedBlock find(long file, long offset) {
    int place = place(file, offset);
    return offsets[place] == offset && files[place] == file ? blocks[place] : null;
  }

  void add(long file, long offset, CachedBlock block) {
    int place = place(file, offset);
    files[place] = file;
    offsets[place] = offset;
    blocks[place] = block;
  }
}
