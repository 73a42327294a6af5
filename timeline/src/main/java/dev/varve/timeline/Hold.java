package dev.varve.timeline;

/// Keeps a timeline readable as of one LSN for as long as it is open, whatever the GC cutoff: for
/// work that reads for long, such as a base backup. A process that ends forgets it; a {@link Lease}
/// outlives it.
public interface Hold extends AutoCloseable {

  /// Further calls do nothing.
  @Override
  void close();
}
