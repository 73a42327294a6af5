package dev.varve.timeline;

import java.lang.foreign.MemorySegment;

/// Takes in many images in any order, all of them as of one LSN; each key once. Of one thread at a
/// time.
@SuppressWarnings("DoNotCallSuggester")
public final class ImageLoad implements AutoCloseable {

  ImageLoad() {}

  public void image(
      long upper, long middle, long lower, MemorySegment bytes, long offset, int length) {
    throw new UnsupportedOperationException();
  }

  /// Makes all images durable and readable.
  public void finish() {
    throw new UnsupportedOperationException();
  }

  /// Forgets what was not finished.
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
