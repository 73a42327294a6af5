package dev.varve.layer;

import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The blocks of one layer file: from the {@link BlockCache}, or read, checked and unpacked. Safe
/// from any thread.
///
/// Where a block is, the index says; `fileSize` is the file's length, within which it must be.
final class FileBlocks {

  private final LayerFiles files;
  private final Path path;
  private final LayerName name;
  private final long number;
  private final References references;

  FileBlocks(LayerFiles files, Path path, LayerName name, long number, References references) {
    this.files = files;
    this.path = path;
    this.name = name;
    this.number = number;
    this.references = references;
  }

  void requireReferenced() {
    if (references.isFree()) {
      throw new IllegalStateException("layer " + name + " is closed");
    }
  }

  CorruptLayerException corrupt(long offset, @Nullable String finding) {
    return new CorruptLayerException(path, offset, String.valueOf(finding));
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
      files.read(number, path, start, reader.run(length));
      for (int i = first; i < end; i++) {
        reader.takeOfRun((int) (leaf.offset(i) - start), leaf.length(i));
        CachedBlock block =
            checked(reader, BlockKind.DATA, leaf.offset(i), leaf.length(i), leaf.unpacked(i), null);
        files.cache().put(number, leaf.offset(i), block);
        ahead.add(number, leaf.offset(i), block);
      }
    } catch (ClosedByInterruptException e) {
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

  /// A data block from the cache; or one that is put there, since it was asked for not long ago.
  ///
  /// @return null when it is not worth that
  @Nullable DataBlock kept(IndexBlock leaf, int entry, long fileSize) throws IOException {
    long offset = leaf.offset(entry);
    CachedBlock block = files.cache().get(number, offset);
    if (block == null && files.cache().wasMissed(number, offset)) {
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
      checkPlace(offset, length, unpacked, fileSize);
      CachedBlock read = read(reader, kind, offset, length, unpacked, null);
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
    long offset = leaf.offset(entry);
    int length = leaf.length(entry);
    int unpacked = leaf.unpacked(entry);
    checkPlace(offset, length, unpacked, fileSize);
    return (DataBlock) read(reader, BlockKind.DATA, offset, length, unpacked, target);
  }

  private void checkPlace(long offset, int length, int unpacked, long fileSize)
      throws CorruptLayerException {
    if (!isPlace(offset, length, unpacked, fileSize)) {
      throw corrupt(
          fileSize - LayerFooter.BYTES,
          "a block of " + length + ", unpacked " + unpacked + " bytes, at " + offset);
    }
  }

  private static boolean isPlace(long offset, int length, int unpacked, long fileSize) {
    return offset >= LayerHeader.BYTES
        && length >= BlockFrame.BYTES
        && offset <= fileSize - LayerFooter.BYTES - length
        && length <= LayerFormat.MOST_BLOCK
        && unpacked >= 0
        && unpacked <= LayerFormat.MOST_BLOCK;
  }

  private CachedBlock read(
      BlockReader reader,
      BlockKind kind,
      long offset,
      int length,
      int unpacked,
      byte @Nullable [] target)
      throws IOException {
    byte[] framed = reader.framed(length);
    files.read(number, path, offset, framed, length, reader.buffer());
    return checked(reader, kind, offset, length, unpacked, target);
  }

  /// Checks and unpacks the block whose frame the reader has.
  private CachedBlock checked(
      BlockReader reader,
      BlockKind kind,
      long offset,
      int length,
      int unpacked,
      byte @Nullable [] target)
      throws IOException {
    try {
      Compression compression = BlockFrame.check(reader.framed(), length, kind, unpacked, offset);
      byte[] bytes = target != null && target.length >= unpacked ? target : new byte[unpacked];
      reader.unpack(compression, length, bytes, unpacked);
      return switch (kind) {
        case DATA -> checked(DataBlock.of(bytes, unpacked));
        case FILTER -> KeyFilter.of(bytes, unpacked);
        case LEAF -> IndexBlock.of(bytes, unpacked, IndexBlock.LEAF_ENTRY);
        case ROOT -> IndexBlock.of(bytes, unpacked, IndexBlock.ROOT_ENTRY);
      };
    } catch (MalformedBlockException e) {
      throw corrupt(offset, e.getMessage());
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
