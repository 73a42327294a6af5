package dev.varve.layer;

import java.io.IOException;
import java.nio.file.Path;

/// The open layer files of a process.
@SuppressWarnings("DoNotCallSuggester")
public final class LayerFiles implements AutoCloseable {
  /// @param mostOpen how many files are open at once
  public LayerFiles(BlockCache cache, int mostOpen) {
    if (mostOpen < 1) {
      throw new IllegalArgumentException("" + mostOpen);
    }
  }

  /// Makes a finished layer durable under its own name in `directory`.
  ///
  /// @return where the file is now
  /// @throws java.nio.file.FileAlreadyExistsException when there is a file of that name
  public static Path commit(FinishedLayer layer, Path directory) throws IOException {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
