package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// Writes a delta layer file, front to back.
@SuppressWarnings("DoNotCallSuggester")
public final class DeltaLayerWriter implements AutoCloseable {
  /// @param temporary a file that does not exist
  public DeltaLayerWriter(Path temporary, LayerOwner owner, Compression compression)
      throws IOException {}

  /// Adds a version; ordered by key, then LSN, ascending, without repetition.
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
    throw new UnsupportedOperationException();
  }

  /// Bytes of the file so far, near enough to decide where to split.
  public long size() {
    return 0;
  }

  /// Completes the file; the ranges are at least as wide as what was added.
  public FinishedLayer finish(KeyRange keys, LsnRange lsns) throws IOException {
    throw new UnsupportedOperationException();
  }

  /// Completes the file, with ranges as narrow as what was added allows.
  public FinishedLayer finish() throws IOException {
    throw new UnsupportedOperationException();
  }

  /// Deletes the file unless it was finished.
  @Override
  public void close() throws IOException {}
}
