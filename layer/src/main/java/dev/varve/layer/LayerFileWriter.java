package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

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
  private final PartBuilder part = new PartBuilder();
  private final IndexBuilder root = new IndexBuilder(IndexBlock.ROOT_ENTRY);
  private final int headerCrc;
  private final LayerExtent extent = new LayerExtent();
  private long blocks;
  private State state = State.FAILED;

  private enum State {
    WRITING,
    FAILED,
    FINISHED
  }

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
    state = State.WRITING;
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
    if (state != State.WRITING) {
      throw new IllegalStateException(
          temporary + (state == State.FAILED ? " could not be written" : " is finished"));
    }
  }

  private void finishBlock() throws IOException {
    state = State.FAILED; // until this is done
    int length = block.finish();
    long at = output.position();
    int framed = append(BlockKind.DATA, block.bytes(), length);
    part.add(block, at, framed, length);
    block.clear();
    blocks++;
    if (part.isFull(geometry)) {
      finishPart();
    }
    state = State.WRITING;
  }

  private void finishPart() throws IOException {
    byte[] filter = part.filter();
    int filterFramed = append(BlockKind.FILTER, filter, filter.length);
    IndexBuilder leaf = part.leaf();
    long at = output.position();
    int framed = append(BlockKind.LEAF, leaf.bytes(), leaf.length());
    root.addLeaf(leaf, at, framed, filterFramed, filter.length);
    part.clear();
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
    finishBlock();
    state = State.FAILED; // until this is done
    if (!part.isEmpty()) {
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
    state = State.FINISHED;
    return new FinishedLayer(
        temporary, new LayerName(kind, keys, lsns), footer.size(), output.crc(), extent.versions());
  }

  /// Deletes the file unless it is finished.
  @Override
  public void close() throws IOException {
    if (state != State.FINISHED) {
      state = State.FAILED;
      try (output) {
        Files.deleteIfExists(temporary);
      }
    }
  }
}
