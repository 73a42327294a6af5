package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// Writes a delta layer file, front to back, with bounded memory; {@link LayerFormat} has the
/// bytes. For one thread.
///
/// After an IOException the file is of no use, and only {@link #close()} may follow.
public final class DeltaLayerWriter implements AutoCloseable {

  private final LayerFileWriter file;

  /// @param temporary a file that does not exist yet
  public DeltaLayerWriter(Path temporary, LayerOwner owner, Compression compression)
      throws IOException {
    this(LayerFileWriter.create(temporary, LayerKind.DELTA, owner, compression));
  }

  DeltaLayerWriter(LayerFileWriter file) {
    this.file = file;
  }

  /// Adds a version.
  ///
  /// @param upper the key's {@link dev.varve.model.Key#upper()}; `middle` and `lower` likewise
  /// @param image whether the bytes are the whole value; an image always initializes
  /// @param source is copied from `offset` on, `length` bytes, at most {@link
  ///   MemoryLayer#MOST_BYTES}
  /// @throws IllegalArgumentException when the version does not follow the last one in the order of
  ///   keys and then LSNs
  public void add(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean image,
      boolean initializes,
      MemorySegment source,
      long offset,
      int length)
      throws IOException {
    int flags =
        image ? DataBlock.IMAGE | DataBlock.INITIALIZES : initializes ? DataBlock.INITIALIZES : 0;
    file.add(upper, middle, lower, lsn, flags, source, offset, length);
  }

  /// Bytes of the file so far, near enough to decide where to split.
  public long size() {
    return file.size();
  }

  /// How many versions were added.
  public long versions() {
    return file.versions();
  }

  /// Completes the file.
  ///
  /// @param keys at least as wide as the keys added
  /// @param lsns at least as wide as the LSNs added
  /// @throws IllegalStateException when no version was added
  public FinishedLayer finish(KeyRange keys, LsnRange lsns) throws IOException {
    return file.finish(keys, lsns);
  }

  /// Completes the file, with ranges as narrow as what was added allows.
  ///
  /// @throws IllegalStateException when no version was added
  public FinishedLayer finish() throws IOException {
    return file.finish();
  }

  /// Deletes the file unless it was finished.
  @Override
  public void close() throws IOException {
    file.close();
  }
}
