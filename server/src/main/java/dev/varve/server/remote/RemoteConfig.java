package dev.varve.server.remote;

import dev.varve.etcd.EtcdAddress;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.remote.StoreAddress;
import dev.varve.timeline.CacheSettings;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Where a server keeps its tenants for good.
///
/// @param store the object store
/// @param authority who gives out generations; null: a file in the data directory, which is enough
///   where no other node uses the store
/// @param node what other nodes see this one as
/// @param cache what is kept on the local disk
/// @param mayBeNew whether the store may lack what was in one before
public record RemoteConfig(
    StoreAddress store,
    @Nullable EtcdAddress authority,
    String node,
    CacheSettings cache,
    boolean mayBeNew) {

  public RemoteConfig {
    if (!node.matches("[A-Za-z0-9._-]{1,100}")) {
      throw new InvalidRequest(
          "--node: \"" + node + "\" is no name: use up to 100 letters, digits, '-', '_' and '.'");
    }
  }

  /// @param store as {@link StoreAddress#parse} takes it
  /// @param authority as {@link EtcdAddress#parse} takes it; empty: none
  /// @throws InvalidRequest with a sentence that says what is wrong
  public static RemoteConfig parse(String store, String authority, String node) {
    try {
      return new RemoteConfig(
          StoreAddress.parse(store),
          authority.isEmpty() ? null : EtcdAddress.parse(authority),
          node,
          CacheSettings.DEFAULT,
          false);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest(String.valueOf(e.getMessage()));
    }
  }

  /// @param evictAfter layers that were not used for so long go from the disk; zero: age is no
  ///   reason
  /// @param diskLimit how full the disk may become, in percent, before layers go
  /// @throws InvalidRequest when that is no such percentage
  public RemoteConfig withCache(Duration evictAfter, int diskLimit) {
    if (diskLimit < 1 || diskLimit > 100) {
      throw new InvalidRequest("--disk-limit takes 1 to 100 percent, not " + diskLimit);
    }
    CacheSettings usual = CacheSettings.DEFAULT;
    int low = Math.max(0, diskLimit - (usual.highWater() - usual.lowWater()));
    return new RemoteConfig(
        store,
        authority,
        node,
        new CacheSettings(evictAfter, diskLimit, low, usual.downloads(), usual.disk()),
        mayBeNew);
  }

  public RemoteConfig withMayBeNew(boolean newMayBeNew) {
    return new RemoteConfig(store, authority, node, cache, newMayBeNew);
  }

  @Override
  public String toString() {
    return store + (authority == null ? "" : ", generations from " + authority);
  }
}
