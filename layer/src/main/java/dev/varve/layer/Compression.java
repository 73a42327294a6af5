package dev.varve.layer;

/// How the blocks of a layer file are packed. A block that does not get smaller stays as it is.
public enum Compression {
  NONE,
  LZ4,
  ZSTD
}
