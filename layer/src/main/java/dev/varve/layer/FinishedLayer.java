package dev.varve.layer;

import java.nio.file.Path;

/// A layer file that is complete under a temporary name, not yet synced: for {@link
/// LayerFiles#commit}.
///
/// @param temporary where the file is
/// @param name what the file holds; its keys and LSNs are as narrow as what was added allows,
///   unless the writer was told wider ones
/// @param size in bytes
/// @param crc CRC-32C of the whole file
/// @param versions how many were added
public record FinishedLayer(Path temporary, LayerName name, long size, int crc, long versions) {

  /// The same, to be told apart from others of the same keys and LSNs.
  public FinishedLayer withCopy(int copy) {
    return new FinishedLayer(temporary, name.withCopy(copy), size, crc, versions);
  }
}
