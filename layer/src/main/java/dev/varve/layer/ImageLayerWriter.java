package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// Writes an image layer file, front to back.
@SuppressWarnings("DoNotCallSuggester")
public final class ImageLayerWriter implements AutoCloseable {
  /// @param temporary a file that does not exist
  /// @param lsn of all images
  public ImageLayerWriter(Path temporary, LayerOwner owner, Lsn lsn, Compression compression)
      throws IOException {}

  /// Adds a value; ordered by key, ascending, without repetition.
  public void add(
      long upper, long middle, long lower, MemorySegment source, long offset, int length)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /// Bytes of the file so far, near enough to decide where to split.
  public long size() {
    return 0;
  }

  /// Completes the file; the range is at least as wide as what was added.
  public FinishedLayer finish(KeyRange keys) throws IOException {
    throw new UnsupportedOperationException();
  }

  /// Completes the file, with a range as narrow as what was added allows.
  public FinishedLayer finish() throws IOException {
    throw new UnsupportedOperationException();
  }

  /// Deletes the file unless it was finished.
  @Override
  public void close() throws IOException {}
}
