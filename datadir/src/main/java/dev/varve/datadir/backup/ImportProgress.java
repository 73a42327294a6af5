package dev.varve.datadir.backup;

/// Hears how an import gets on.
@FunctionalInterface
public interface ImportProgress {

  /// Nobody listens.
  ImportProgress NONE = (_, _) -> {};

  /// Called after each file and, in large ones, every few mebibytes, by the thread that imports.
  ///
  /// @param bytes of files taken in so far
  /// @param files taken in so far
  void progress(long bytes, long files);
}
