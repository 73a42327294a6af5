package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// Writes an image layer file, front to back, with bounded memory; {@link LayerFormat} has the
/// bytes. For one thread.
///
/// After an IOException the file is of no use, and only {@link #close()} may follow.
public final class ImageLayerWriter implements AutoCloseable {

  private final LayerFileWriter file;
  private final Lsn lsn;

  /// @param temporary a file that does not exist yet
  /// @param lsn of all images
  public ImageLayerWriter(Path temporary, LayerOwner owner, Lsn lsn, Compression compression)
      throws IOException {
    if (lsn.equals(Lsn.MAX)) {
      throw new IllegalArgumentException("no LSN follows " + lsn);
    }
    this.lsn = lsn;
    this.file = LayerFileWriter.create(temporary, LayerKind.IMAGE, owner, compression);
  }

  /// Adds a value.
  ///
  /// @param upper the key's {@link dev.varve.model.Key#upper()}; `middle` and `lower` likewise
  /// @param source is copied from `offset` on, `length` bytes, at most {@link
  ///   MemoryLayer#MOST_BYTES}
  /// @throws IllegalArgumentException when the key is not above the last one
  public void add(
      long upper, long middle, long lower, MemorySegment source, long offset, int length)
      throws IOException {
    int flags = DataBlock.IMAGE | DataBlock.INITIALIZES;
    file.add(upper, middle, lower, lsn.value(), flags, source, offset, length);
  }

  /// Bytes of the file so far, near enough to decide where to split.
  public long size() {
    return file.size();
  }

  /// How many values were added.
  public long versions() {
    return file.versions();
  }

  /// Completes the file.
  ///
  /// @param keys at least as wide as the keys added
  /// @throws IllegalStateException when no value was added
  public FinishedLayer finish(KeyRange keys) throws IOException {
    return file.finish(keys, new LsnRange(lsn, lsn.plus(1)));
  }

  /// Completes the file, with a range as narrow as what was added allows.
  ///
  /// @throws IllegalStateException when no value was added
  public FinishedLayer finish() throws IOException {
    return file.finish();
  }

  /// Deletes the file unless it was finished.
  @Override
  public void close() throws IOException {
    file.close();
  }
}
