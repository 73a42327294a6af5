package dev.varve.layer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// A walk over the versions in a layer, ordered by key and then LSN, ascending.
///
/// It stands before the first version until {@link #next()} is called; the other methods describe
/// the version it stands on. For one thread at a time. Moving on allocates next to nothing.
public interface LayerCursor extends AutoCloseable {

  /// Moves to the next version.
  ///
  /// @return false when there is none; the cursor then stays at the end
  boolean next() throws IOException;

  /// The key's {@link dev.varve.model.Key#upper()}.
  long upper();

  /// The key's {@link dev.varve.model.Key#middle()}.
  long middle();

  /// The key's {@link dev.varve.model.Key#lower()}.
  long lower();

  long lsn();

  /// Whether {@link #bytes()} are the whole value.
  boolean image();

  /// Whether redo can begin here; true for every image.
  boolean initializes();

  /// What has the bytes of the version, from {@link #offset()} on, {@link #length()} of them; valid
  /// until the next call of {@link #next()} or {@link #close()}.
  MemorySegment memory();

  long offset();

  int length();

  /// A view of the bytes of the version, made for each call; valid as {@link #memory()} is.
  default MemorySegment bytes() {
    return memory().asSlice(offset(), length());
  }

  @Override
  void close();
}
