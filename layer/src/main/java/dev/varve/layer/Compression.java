package dev.varve.layer;

/// How the data and index blocks of a layer file are packed. A block that would not get clearly
/// smaller stays as it is, whatever the writer was told.
public enum Compression {

  /// Not at all.
  NONE(0),

  /// LZ4 blocks: little work to write and to read.
  LZ4(1),

  /// Zstandard frames at level 1: about half the size of {@link #LZ4} for two to three times the
  /// work.
  ZSTD(2);

  private final int code;

  Compression(int code) {
    this.code = code;
  }

  /// What stands for it in a file.
  int code() {
    return code;
  }
}
