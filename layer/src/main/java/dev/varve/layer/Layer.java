package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;
import java.io.IOException;

/// Versions of some keys over some LSNs.
///
/// Reading is safe from any number of threads. Whether a layer is still there is counted in
/// *references*: whoever made it has one, which {@link #close()} gives back, and whoever reads it
/// without knowing that the owner keeps it takes one of its own with {@link #acquire()}. Memory,
/// files and disk space go when the last reference does.
public sealed interface Layer extends AutoCloseable permits MemoryLayer, FileLayer {

  /// No version of a key outside of this range is in the layer.
  KeyRange keys();

  /// No version of an LSN outside of this range is in the layer. An open layer ends at {@link
  /// dev.varve.model.Lsn#MAX}; an image layer holds one LSN.
  LsnRange lsns();

  /// Gives `sink` the versions of a key with `floor <= LSN < end`, newest first, until it returns
  /// true. The caller holds a reference.
  ///
  /// @param upper the key's {@link dev.varve.model.Key#upper()}; `middle` and `lower` likewise
  /// @return whether the sink did return true
  /// @throws CorruptLayerException when the file is not what was written
  /// @throws CorruptObjectException when the file is not here, and its object is not what was
  ///   written
  /// @throws UnreachableLayerException when the file is not here, and its object can't be read
  /// @throws java.nio.channels.ClosedByInterruptException when this thread is interrupted while it
  ///   reads a file; other readers of the file do not notice
  boolean find(long upper, long middle, long lower, long floor, long end, VersionSink sink)
      throws IOException;

  /// All versions of the keys in `keys`, ordered by key and then LSN, ascending. It holds a
  /// reference until it is closed. On an open layer it shows everything put before this call, and
  /// perhaps more.
  LayerCursor cursor(KeyRange keys) throws IOException;

  /// Takes a reference, unless the layer is gone already.
  ///
  /// @return whether there is a reference now, to be given back with {@link #release()}
  boolean acquire();

  /// Gives back what {@link #acquire()} took.
  void release();

  /// Gives back the owner's reference. Further calls do nothing.
  @Override
  void close();
}
