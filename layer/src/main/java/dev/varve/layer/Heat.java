package dev.varve.layer;

/// How much reads have fetched of a layer that is not here, within an hour. When it would have been
/// better to fetch all of it, the layer is hot, once: after that it has to become hot again. Safe
/// from any thread.
final class Heat {

  private static final long HOUR = 3_600_000;

  /// A layer is hot when half of it was fetched, ...
  private static final int SHARE = 2;

  /// ... but not by fewer ranges than this: a small one is nearly whole in the first, and its
  /// blocks are in the cache then; ...
  private static final int FEW = 4;

  /// ... or when so many ranges were, however short.
  private static final int MANY = 128;

  private long since;
  private long bytes;
  private int ranges;

  /// @param size of the layer
  /// @param now in milliseconds
  /// @return whether the layer has just become hot
  synchronized boolean add(int length, long size, long now) {
    if (ranges == 0 || now - since >= HOUR || now < since) {
      since = now;
      bytes = 0;
      ranges = 0;
    }
    bytes += length;
    ranges++;
    boolean hot = ranges >= MANY || (ranges >= FEW && bytes >= size / SHARE);
    if (hot) {
      ranges = 0;
    }
    return hot;
  }
}
