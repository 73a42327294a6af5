package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/// Writes a layer file ({@link LayerFormat}) front to back, of either kind. It takes a few MiB of
/// memory, some times the largest version, and 56 bytes a part of the file. For one thread; a hot
/// class: adding a version allocates nothing once its arrays have grown.
///
/// After an IOException the file is of no use; only {@link #close()} may follow.
final class LayerFileWriter implements AutoCloseable {

  private final Path temporary;
  private final LayerKind kind;
  private final LayerOutput output;
  private final LayerFormat.Geometry geometry;
  private final DataBlockBuilder block;
  private final BlockPacker packer;
  private final IndexBuilder leaf = new IndexBuilder(IndexBlock.LEAF_ENTRY);
  private final IndexBuilder root = new IndexBuilder(IndexBlock.ROOT_ENTRY);
  private final int headerCrc;
  private long[] hashes = new long[1024];
  private int hashCount;
  private final LayerExtent extent = new LayerExtent();
  private long blocks;
  private boolean failed = true;
  private boolean finished;

  /// @param temporary a file that does not exist yet
  static LayerFileWriter create(
      Path temporary, LayerKind kind, LayerOwner owner, Compression compression)
      throws IOException {
    FileChannel channel =
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    try {
      return new LayerFileWriter(
          temporary, channel, kind, owner, compression, LayerFormat.Geometry.of(kind));
    } catch (Throwable e) {
      try (channel) {
        Files.deleteIfExists(temporary);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  /// @param channel at the beginning of `temporary`, which is empty; closed by {@link #close()}
  LayerFileWriter(
      Path temporary,
      FileChannel channel,
      LayerKind kind,
      LayerOwner owner,
      Compression compression,
      LayerFormat.Geometry geometry)
      throws IOException {
    this.temporary = temporary;
    this.kind = kind;
    this.output = new LayerOutput(channel);
    this.packer = new BlockPacker(compression);
    this.geometry = geometry;
    this.block = new DataBlockBuilder(geometry.block());
    byte[] header = new LayerHeader(kind, owner).write();
    this.headerCrc = LayerHeader.crc(header);
    output.append(header, header.length);
    failed = false;
  }

  /// Adds a version after those added before in the order of keys and LSNs.
  void add(
      long upper,
      long middle,
      long lower,
      long lsn,
      int flags,
      MemorySegment source,
      long offset,
      int length)
      throws IOException {
    requireUsable();
    if (length < 0 || length > LayerFormat.MOST_BYTES) {
      throw new IllegalArgumentException(
          "a version has 0 to " + LayerFormat.MOST_BYTES + " bytes, not " + length);
    }
    extent.add(upper, middle, lower, lsn);
    if (!block.hasRoomFor(length)) {
      finishBlock();
    }
    block.add(upper, middle, lower, lsn, flags, source, offset, length);
  }

  private void requireUsable() {
    if (failed || finished) {
      throw new IllegalStateException(
          temporary + (failed ? " could not be written" : " is finished"));
    }
  }

  private void finishBlock() throws IOException {
    failed = true; // until this is done
    for (int key = 0; key < block.keys(); key++) {
      if (hashCount == hashes.length) {
        hashes = Arrays.copyOf(hashes, 2 * hashCount);
      }
      hashes[hashCount++] = KeyHash.of(block.upper(key), block.middle(key), block.lower(key));
    }
    int length = block.finish();
    long at = output.position();
    int framed = append(BlockKind.DATA, block.bytes(), length);
    leaf.add(block.upper(0), block.middle(0), block.lower(0), block.firstLsn(), at, framed, length);
    block.clear();
    blocks++;
    if (leaf.count() == geometry.blocksInPart() || hashCount >= geometry.keysInPart()) {
      finishPart();
    }
    failed = false;
  }

  private void finishPart() throws IOException {
    byte[] bits = new byte[KeyFilter.lengthFor(hashCount)];
    var filter = new KeyFilter(bits, bits.length / KeyFilter.BUCKET);
    for (int i = 0; i < hashCount; i++) {
      filter.add(hashes[i]);
    }
    hashCount = 0;
    int filterFramed = append(BlockKind.FILTER, bits, bits.length);
    long at = output.position();
    int framed = append(BlockKind.LEAF, leaf.bytes(), leaf.length());
    byte[] first = leaf.bytes();
    int entry =
        root.add(
            Encoding.getLong(first, 0),
            Encoding.getLong(first, 8),
            Encoding.getLong(first, 16),
            Encoding.getLong(first, 24),
            at,
            framed,
            leaf.length());
    Encoding.putInt(root.bytes(), entry + 48, filterFramed);
    Encoding.putInt(root.bytes(), entry + 52, bits.length);
    leaf.clear();
  }

  private int append(BlockKind blockKind, byte[] bytes, int length) throws IOException {
    int framed = packer.pack(blockKind, bytes, length, output.position());
    output.append(packer.framed(), framed);
    return framed;
  }

  /// Bytes of the file so far; of the versions in the last block, as they are before they are
  /// packed.
  long size() {
    return output.position() + block.payload();
  }

  long versions() {
    return extent.versions();
  }

  FinishedLayer finish() throws IOException {
    return finish(extent.keys(), extent.lsns());
  }

  FinishedLayer finish(KeyRange keys, LsnRange lsns) throws IOException {
    requireUsable();
    extent.requireWithin(keys, lsns);
    failed = true;
    finishBlock();
    failed = true;
    if (leaf.count() > 0) {
      finishPart();
    }
    long at = output.position();
    int framed = append(BlockKind.ROOT, root.bytes(), root.length());
    var footer =
        new LayerFooter(
            keys,
            lsns,
            new LayerFooter.Root(at, framed, root.length()),
            extent.versions(),
            blocks,
            output.position() + LayerFooter.BYTES,
            headerCrc);
    output.append(footer.write(), LayerFooter.BYTES);
    output.flush();
    output.close();
    finished = true;
    failed = false;
    return new FinishedLayer(
        temporary, new LayerName(kind, keys, lsns), footer.size(), output.crc(), extent.versions());
  }

  /// Deletes the file unless it is finished.
  @Override
  public void close() throws IOException {
    if (!finished) {
      failed = true;
      try (output) {
        Files.deleteIfExists(temporary);
      }
    }
  }
}
