package dev.varve.layer;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// A layer that is in a file, or in object storage while the file is not here. The bytes are the
/// same and are checked in the same way.
///
/// Of a layer that is not here a read takes at most three ranges, one after the other: the end,
/// with the root of the index; then a filter and the leaf after it; then data. Each goes into the
/// {@link BlockCache}, and readers of the same range share it.
public sealed interface FileLayer extends Layer permits DeltaLayer, ImageLayer {

  LayerName name();

  /// Where the file is while it is here.
  Path path();

  /// Whether the file is here, and what changes that.
  Residency residency();

  /// Whether {@link Layer#find} would have to read from object storage before it can say what it
  /// has of a key. It looks into the block cache only.
  ///
  /// @return false also while the file is here
  boolean isFetchNeeded(long upper, long middle, long lower, long floor, long end);

  /// Fetches into the block cache what {@link Layer#find} needs to give the newest version of a
  /// key, if the file is not here.
  ///
  /// @param ahead of a caller that reads on after this key, of this call alone; null: it does not
  void prefetch(
      long upper, long middle, long lower, long floor, long end, @Nullable ReadAhead ahead)
      throws IOException;

  /// Reads and checks the whole file or, while that is not here, the object.
  ///
  /// @throws CorruptLayerException or {@link CorruptObjectException}, saying what is wrong
  void verify() throws IOException;

  /// To be called when the file was put back in its place: what is open of the former one is
  /// closed.
  void reopen() throws IOException;
}
