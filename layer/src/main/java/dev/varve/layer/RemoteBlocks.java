package dev.varve.layer;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/// What is read together of a layer whose file is not here, since each range takes its time: the
/// footer and the root; a filter and its leaf; data blocks of one key. It goes into the {@link
/// BlockCache}, where {@link FileBlocks} finds it. What that does not keep is read once more, block
/// by block. Safe from any thread.
final class RemoteBlocks {

  private static final int LEAST_END = 1 << 14;
  private static final int MOST_END = 1 << 16;

  /// The root of a large file is shorter than this part of it, unless its versions are very short.
  private static final int END_SHIFT = 11;

  /// Versions of one key are read together up to this many bytes.
  private static final int MOST_VERSIONS = 1 << 16;

  private final BlockCache cache;
  private final FileBlocks blocks;
  private final long number;
  private final Residency residency;

  RemoteBlocks(BlockCache cache, FileBlocks blocks, long number, Residency residency) {
    this.cache = cache;
    this.blocks = blocks;
    this.number = number;
    this.residency = residency;
  }

  /// The end of the object: the footer, and most often the root.
  byte[] end(RemoteLayer object) throws IOException {
    long size = object.bytes();
    int length = (int) Math.min(size, Math.clamp(size >> END_SHIFT, LEAST_END, MOST_END));
    return blocks.bytes().range(object, size - length, length);
  }

  /// Takes the root from the end of the object, if it is there, and the last part's index with it.
  void takeRoot(byte[] end, LayerFooter footer, RemoteLayer object) throws IOException {
    LayerFooter.Root at = footer.root();
    var root = new FileBlocks.Place(BlockKind.ROOT, at.offset(), at.length(), at.unpacked());
    long start = object.bytes() - end.length;
    if (root.isWithin(object.bytes()) && at.offset() >= start) {
      var index = (IndexBlock) blocks.ofRange(end, start, root, null, object);
      cache.put(number, at.offset(), index);
      takeLastPart(end, start, index, object);
    }
  }

  /// The filter and the leaf of the last part lie before the root.
  private void takeLastPart(byte[] end, long start, IndexBlock root, RemoteLayer object)
      throws IOException {
    FileBlocks.Place filter = filter(root, root.count() - 1);
    FileBlocks.Place leaf = leaf(root, root.count() - 1);
    if (filter.isWithin(object.bytes())
        && leaf.isWithin(object.bytes())
        && filter.offset() >= start) {
      try {
        keep(end, start, filter, object);
        keep(end, start, leaf, object);
      } catch (CorruptObjectException _) {
        // Read on its own, the block fails again, for whom it concerns.
      }
    }
  }

  /// Fetches the filter and the leaf of a part.
  void fetchPart(IndexBlock root, int part, long fileSize) throws IOException {
    FileBlocks.Place filter = filter(root, part);
    FileBlocks.Place leaf = leaf(root, part);
    RemoteLayer object = residency.object();
    long length = (long) filter.length() + leaf.length();
    if (object == null
        || !filter.isWithin(fileSize)
        || !leaf.isWithin(fileSize)
        || length > RemoteRanges.MOST_BYTES
        || (cache.contains(number, filter.offset()) && cache.contains(number, leaf.offset()))) {
      return;
    }
    blocks.requireReferenced();
    byte[] range = blocks.bytes().range(object, filter.offset(), (int) length);
    keep(range, filter.offset(), filter, object);
    keep(range, filter.offset(), leaf, object);
  }

  private void keep(byte[] range, long start, FileBlocks.Place place, RemoteLayer object)
      throws IOException {
    cache.put(number, place.offset(), blocks.ofRange(range, start, place, null, object));
  }

  private static FileBlocks.Place filter(IndexBlock root, int part) {
    int length = root.filterLength(part);
    return new FileBlocks.Place(
        BlockKind.FILTER, root.offset(part) - length, length, root.filterUnpacked(part));
  }

  private static FileBlocks.Place leaf(IndexBlock root, int part) {
    return new FileBlocks.Place(
        BlockKind.LEAF, root.offset(part), root.length(part), root.unpacked(part));
  }

  /// Before a data block is read for a key: fetches it with those before it that may have older
  /// versions of the key, and those behind it that the caller will want. What is wrong with any of
  /// them is left to whoever reads that one.
  ///
  /// @param older whether there can be more versions of the key above the caller's floor
  void fetchData(
      IndexBlock leaf, int entry, boolean older, long fileSize, @Nullable ReadAhead ahead)
      throws IOException {
    RemoteLayer object = residency.object();
    if (object == null || cache.contains(number, leaf.offset(entry))) {
      return;
    }
    int first = older ? firstOfKey(leaf, entry, fileSize) : entry;
    int last = ahead == null ? entry : lastWanted(leaf, first, entry, fileSize, ahead);
    if (first == last || !isPlace(leaf, entry, fileSize)) {
      return; // One block is read as any other.
    }
    blocks.requireReferenced();
    long start = leaf.offset(first);
    byte[] range = blocks.bytes().range(object, start, (int) (end(leaf, last) - start));
    for (int i = first; i <= last; i++) {
      try {
        keep(range, start, FileBlocks.Place.ofData(leaf, i), object);
      } catch (CorruptObjectException _) {
        // Read on its own, the block fails again, for whom it concerns.
      }
    }
  }

  private static boolean isPlace(IndexBlock leaf, int entry, long fileSize) {
    return FileBlocks.Place.ofData(leaf, entry).isWithin(fileSize);
  }

  private static long end(IndexBlock leaf, int entry) {
    return leaf.offset(entry) + leaf.length(entry);
  }

  /// @return the first of the blocks that may have versions of the key with which `entry` begins
  private static int firstOfKey(IndexBlock leaf, int entry, long fileSize) {
    int first = entry;
    while (first > 0
        && leaf.isKey(first, leaf.upper(entry), leaf.middle(entry), leaf.lower(entry))
        && isPlace(leaf, first - 1, fileSize)
        && end(leaf, first - 1) == leaf.offset(first)
        && end(leaf, entry) - leaf.offset(first - 1) <= MOST_VERSIONS) {
      first--;
    }
    return first;
  }

  private static int lastWanted(
      IndexBlock leaf, int first, int entry, long fileSize, ReadAhead ahead) {
    int last = entry;
    while (last + 1 < leaf.count()
        && ahead.wants(leaf, last + 1)
        && isPlace(leaf, last + 1, fileSize)
        && end(leaf, last) == leaf.offset(last + 1)
        && end(leaf, last + 1) - leaf.offset(first) <= ReadAhead.MOST_PACKED) {
      last++;
    }
    return last;
  }

  /// Whether a search in the cache for a key ends before it could be told what the layer has of it.
  boolean isFetchNeeded(LayerFooter footer, long upper, long middle, long lower, long end) {
    if (!(cache.get(number, footer.root().offset()) instanceof IndexBlock root)) {
      return true;
    }
    int part = root.lastBefore(upper, middle, lower, end);
    if (part < 0) {
      return false;
    }
    if (!(cache.get(number, filter(root, part).offset()) instanceof KeyFilter filter)) {
      return true;
    }
    if (!filter.mayContain(KeyHash.of(upper, middle, lower))) {
      return false;
    }
    if (!(cache.get(number, leaf(root, part).offset()) instanceof IndexBlock leaf)) {
      return true;
    }
    int entry = leaf.lastBefore(upper, middle, lower, end);
    return entry >= 0 && !cache.contains(number, leaf.offset(entry));
  }

  /// Reads a data block for a cursor, and others ahead of it.
  ///
  /// @param target to unpack into, if it is long enough; null: the block is kept in the cache
  /// @return null when the file is here
  @Nullable DataBlock read(
      RemoteRun run, IndexBlock leaf, int entry, long fileSize, byte @Nullable [] target)
      throws IOException {
    FileBlocks.Place place = FileBlocks.Place.ofData(leaf, entry);
    RemoteLayer object = residency.object();
    if (object == null) {
      return null;
    }
    if (cache.get(number, place.offset()) instanceof DataBlock known) {
      return known;
    }
    blocks.requirePlace(place, fileSize);
    byte[] range = run.bytesOf(place);
    if (range == null) {
      int length = run.nextLength(leaf, entry, fileSize);
      range = blocks.bytes().rangeOfWalk(object, place.offset(), length);
      run.set(place.offset(), range);
    }
    CachedBlock block = blocks.ofRange(range, run.start(), place, target, object);
    if (target == null) {
      cache.put(number, place.offset(), block);
    }
    return (DataBlock) block;
  }
}
