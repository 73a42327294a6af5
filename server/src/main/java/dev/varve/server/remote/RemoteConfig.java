package dev.varve.server.remote;

import dev.varve.etcd.EtcdAddress;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.remote.StoreAddress;
import org.jspecify.annotations.Nullable;

/// Where a server keeps its tenants for good.
///
/// @param store the object store
/// @param authority who gives out generations; null: a file in the data directory, which is enough
///   where no other node uses the store
/// @param node what other nodes see this one as
public record RemoteConfig(StoreAddress store, @Nullable EtcdAddress authority, String node) {

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
          node);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public String toString() {
    return store + (authority == null ? "" : ", generations from " + authority);
  }
}
