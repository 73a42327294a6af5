package dev.varve.layer;

import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The blocks of one layer file: from the {@link BlockCache}, or read, checked and unpacked. Safe
/// from any thread. While the file is not here, {@link RemoteBlocks} says what is read together.
///
/// Where a block is, the index says; `fileSize` is the file's length, within which it must be.
final class FileBlocks {

  /// What an index says of a block.
  ///
  /// @param length of frame and packed bytes
  record Place(BlockKind kind, long offset, int length, int unpacked) {

    static Place ofData(IndexBlock leaf, int entry) {
      return new Place(
          BlockKind.DATA, leaf.offset(entry), leaf.length(entry), leaf.unpacked(entry));
    }

    boolean isWithin(long fileSize) {
      return isPlace(offset, length, unpacked, fileSize);
    }
  }

  private final LayerFiles files;
  private final Path path;
  private final LayerName name;
  private final long number;
  private final References references;
  private final Residency residency;
  private final LayerBytes bytes;

  FileBlocks(
      LayerFiles files,
      Path path,
      LayerName name,
      long number,
      References references,
      Residency residency) {
    this.files = files;
    this.path = path;
    this.name = name;
    this.number = number;
    this.references = references;
    this.residency = residency;
    this.bytes = new LayerBytes(files, path, number, residency);
  }

  LayerBytes bytes() {
    return bytes;
  }

  void requireReferenced() {
    if (references.isFree()) {
      throw new IllegalStateException("layer " + name + " is closed");
    }
  }

  /// @param object that has the bytes; null: the file has
  IOException corrupt(@Nullable RemoteLayer object, long offset, @Nullable String finding) {
    return object == null
        ? new CorruptLayerException(path, offset, String.valueOf(finding))
        : files.ranges().corrupt(object, offset, finding);
  }

  /// Before a data block is asked for: when it and adjacent ones that the caller will want are not
  /// in the cache, reads them at once. What is wrong with any of them is left to whoever reads that
  /// one.
  void readAhead(IndexBlock leaf, int first, long fileSize, ReadAhead ahead) throws IOException {
    long start = leaf.offset(first);
    if (ahead.find(number, start) != null || files.cache().contains(number, start)) {
      return;
    }
    int end = runEnd(leaf, first, fileSize, ahead);
    if (end <= first + 1) {
      return;
    }
    requireReferenced();
    int length = (int) (leaf.offset(end - 1) + leaf.length(end - 1) - start);
    BlockReader reader = files.takeReader();
    try {
      RemoteLayer object = bytes.read(start, reader.run(length));
      for (int i = first; i < end; i++) {
        reader.takeOfRun((int) (leaf.offset(i) - start), leaf.length(i));
        long offset = leaf.offset(i);
        CachedBlock block = checked(reader, Place.ofData(leaf, i), null, object);
        files.cache().put(number, offset, block);
        ahead.add(number, offset, block);
      }
    } catch (ClosedByInterruptException | UnreachableLayerException e) {
      throw e;
    } catch (IOException _) {
      // Read on its own, the block fails again, for whom it concerns.
    } finally {
      files.giveBack(reader);
    }
  }

  /// @return the first entry after the run; at most `first` when that one has no good place
  private int runEnd(IndexBlock leaf, int first, long fileSize, ReadAhead ahead) {
    int end = first;
    int packed = 0;
    int unpacked = 0;
    long at = leaf.offset(first);
    while (end < leaf.count()
        && leaf.offset(end) == at
        && isPlace(at, leaf.length(end), leaf.unpacked(end), fileSize)
        && (end == first
            || (ahead.wants(leaf, end) && !files.cache().contains(number, leaf.offset(end))))) {
      at += leaf.length(end);
      packed += leaf.length(end);
      unpacked += leaf.unpacked(end);
      if (end > first && (packed > ReadAhead.MOST_PACKED || unpacked > ReadAhead.MOST_UNPACKED)) {
        break;
      }
      end++;
    }
    return end;
  }

  /// A data block from the cache; or one that is put there, since it was asked for not long ago or
  /// comes from far away.
  ///
  /// @return null when it is not worth that
  @Nullable DataBlock kept(IndexBlock leaf, int entry, long fileSize) throws IOException {
    long offset = leaf.offset(entry);
    CachedBlock block = files.cache().get(number, offset);
    if (block == null && (residency.isRemote() || files.cache().wasMissed(number, offset))) {
      block = readOne(BlockKind.DATA, offset, leaf.length(entry), leaf.unpacked(entry), fileSize);
    }
    return (DataBlock) block;
  }

  /// @param ahead of a caller who reads key after key
  CachedBlock get(
      BlockKind kind,
      long offset,
      int length,
      int unpacked,
      long fileSize,
      @Nullable ReadAhead ahead)
      throws IOException {
    CachedBlock near = ahead == null ? null : ahead.find(number, offset);
    if (near != null) {
      return near;
    }
    CachedBlock block = files.cache().get(number, offset);
    if (block == null) {
      block = readOne(kind, offset, length, unpacked, fileSize);
    }
    if (ahead != null) {
      ahead.add(number, offset, block);
    }
    return block;
  }

  private CachedBlock readOne(BlockKind kind, long offset, int length, int unpacked, long fileSize)
      throws IOException {
    requireReferenced();
    BlockReader reader = files.takeReader();
    try {
      CachedBlock read = read(reader, new Place(kind, offset, length, unpacked), fileSize, null);
      files.cache().put(number, offset, read);
      return read;
    } finally {
      files.giveBack(reader);
    }
  }

  /// Reads a data block past the cache.
  ///
  /// @param target to unpack into, if it is long enough
  DataBlock read(BlockReader reader, IndexBlock leaf, int entry, long fileSize, byte[] target)
      throws IOException {
    return (DataBlock) read(reader, Place.ofData(leaf, entry), fileSize, target);
  }

  /// @throws IOException when no block can be where the index says
  void requirePlace(Place place, long fileSize) throws IOException {
    if (!place.isWithin(fileSize)) {
      throw corrupt(
          residency.object(),
          fileSize - LayerFooter.BYTES,
          "a block of %d, unpacked %d bytes, at %d"
              .formatted(place.length, place.unpacked, place.offset));
    }
  }

  static boolean isPlace(long offset, int length, int unpacked, long fileSize) {
    return offset >= LayerHeader.BYTES
        && length >= BlockFrame.BYTES
        && offset <= fileSize - LayerFooter.BYTES - length
        && length <= LayerFormat.MOST_BLOCK
        && unpacked >= 0
        && unpacked <= LayerFormat.MOST_BLOCK;
  }

  private CachedBlock read(BlockReader reader, Place place, long fileSize, byte @Nullable [] target)
      throws IOException {
    requirePlace(place, fileSize);
    byte[] framed = reader.framed(place.length);
    RemoteLayer object = bytes.read(place.offset, framed, place.length, reader.buffer());
    return checked(reader, place, target, object);
  }

  /// Checks and unpacks the block whose frame the reader has.
  ///
  /// @param target to unpack into, if it is long enough
  /// @param object that has the block; null: the file has
  private CachedBlock checked(
      BlockReader reader, Place place, byte @Nullable [] target, @Nullable RemoteLayer object)
      throws IOException {
    int unpacked = place.unpacked;
    try {
      Compression compression =
          BlockFrame.check(reader.framed(), place.length, place.kind, unpacked, place.offset);
      byte[] to = target != null && target.length >= unpacked ? target : new byte[unpacked];
      reader.unpack(compression, place.length, to, unpacked);
      return switch (place.kind) {
        case DATA -> checked(DataBlock.of(to, unpacked));
        case FILTER -> KeyFilter.of(to, unpacked);
        case LEAF -> IndexBlock.of(to, unpacked, IndexBlock.LEAF_ENTRY);
        case ROOT -> IndexBlock.of(to, unpacked, IndexBlock.ROOT_ENTRY);
      };
    } catch (MalformedBlockException e) {
      throw corrupt(object, place.offset, e.getMessage());
    }
  }

  /// Checks and unpacks a block of a range that was read.
  ///
  /// @param start where the range begins in the file
  CachedBlock ofRange(
      byte[] range, long start, Place place, byte @Nullable [] target, RemoteLayer object)
      throws IOException {
    BlockReader reader = files.takeReader();
    try {
      reader.takeOf(range, (int) (place.offset - start), place.length);
      return checked(reader, place, target, object);
    } finally {
      files.giveBack(reader);
    }
  }

  private DataBlock checked(DataBlock block) throws MalformedBlockException {
    Lsn base = new Lsn(block.baseLsn());
    if (!name.lsns().contains(base)) {
      throw new MalformedBlockException("the block begins at " + base);
    }
    return block;
  }
}
