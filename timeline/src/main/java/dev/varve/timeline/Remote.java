package dev.varve.timeline;

import dev.varve.remote.RemoteStorage;
import dev.varve.remote.generation.Generations;
import java.time.Duration;

/// Where the tenants of a server are kept for good. Whoever made storage and authority closes them,
/// after the tenants.
///
/// @param storage the object store
/// @param generations the authority that says which node may write a tenant's objects
/// @param waitingBytes layers are uploaded when so many bytes of them wait
/// @param waitingTime what has changed is uploaded after this time, however little it is
/// @param cache what is kept on the local disk
/// @param mayBeNew whether the store may have nothing of tenants that were in one before: all of
///   them is put there again, as far as it is here
public record Remote(
    RemoteStorage storage,
    Generations generations,
    long waitingBytes,
    Duration waitingTime,
    CacheSettings cache,
    boolean mayBeNew) {

  private static final long WAITING_BYTES = 16 << 20;

  /// With a trickle of WAL, that is eight layers and eight index parts a day, and a few deletions.
  private static final Duration WAITING_TIME = Duration.ofHours(3);

  public Remote {
    if (waitingBytes < 1 || !waitingTime.isPositive()) {
      throw new IllegalArgumentException(
          "uploads can't wait for " + waitingBytes + " bytes or " + waitingTime);
    }
  }

  /// Uploads in portions that cost little, and keeps on the disk what it has room for.
  public Remote(RemoteStorage storage, Generations generations) {
    this(storage, generations, WAITING_BYTES, WAITING_TIME, CacheSettings.DEFAULT, false);
  }

  public Remote withCache(CacheSettings newCache) {
    return new Remote(storage, generations, waitingBytes, waitingTime, newCache, mayBeNew);
  }

  public Remote withMayBeNew(boolean newMayBeNew) {
    return new Remote(storage, generations, waitingBytes, waitingTime, cache, newMayBeNew);
  }
}
