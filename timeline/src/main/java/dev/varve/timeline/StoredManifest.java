package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A manifest that the object store has.
///
/// @param generation in which it was put
record StoredManifest(TenantManifest manifest, Generation generation) {

  private static final int MOST_BYTES = 256 << 20;
  private static final int MOST_LISTED = 10_000;

  static ObjectName name(TenantId id, Generation generation) {
    return new RemoteName.Manifest(id, generation).object();
  }

  /// The generations in which there are manifests of a tenant, in their order; the newest may be
  /// missing, because a list may be stale.
  static List<Generation> listed(RemoteStorage storage, TenantId id, RemoteCall call)
      throws IOException, InterruptedException {
    return storage.listAll(RemoteName.manifests(id), MOST_LISTED, call).stream()
        .map(ObjectState::name)
        .flatMap(object -> RemoteName.parse(object).stream())
        .map(RemoteName::generation)
        .sorted()
        .toList();
  }

  /// The newest of those listed; {@link Generation#NONE}: there is none.
  static Generation newest(List<Generation> listed) {
    return listed.isEmpty() ? Generation.NONE : listed.getLast();
  }

  /// The newest manifest, whatever the list lacks.
  ///
  /// @param listed as {@link #listed} gave them
  /// @param highest the newest generation that counts
  /// @return null when there is none
  static @Nullable StoredManifest findNewest(
      RemoteStorage storage,
      TenantId id,
      List<Generation> listed,
      Generation highest,
      RemoteCall call)
      throws IOException, InterruptedException {
    List<Generation> counting =
        listed.stream().filter(generation -> generation.compareTo(highest) <= 0).toList();
    Generation newest =
        NewestObject.find(
            storage, newest(counting), highest, generation -> name(id, generation), call);
    return newest.equals(Generation.NONE) ? null : read(storage, id, newest, call);
  }

  /// The oldest manifest of the generations after `from`, of which so many are asked for by name.
  ///
  /// @return {@link Generation#NONE} when there is none among them
  static Generation findAfter(
      RemoteStorage storage, TenantId id, Generation from, long most, RemoteCall call)
      throws IOException, InterruptedException {
    Generation at = from;
    for (long asked = 0; asked < most; asked++) {
      at = at.next();
      try {
        storage.head(name(id, at), call);
        return at;
      } catch (StoreException.NotFound _) {
        // Nothing was put in that generation.
      }
    }
    return Generation.NONE;
  }

  static StoredManifest read(
      RemoteStorage storage, TenantId id, Generation generation, RemoteCall call)
      throws IOException, InterruptedException {
    ObjectName name = name(id, generation);
    byte[] bytes = storage.read(name, MOST_BYTES, call);
    return new StoredManifest(TenantManifest.read(bytes, id, name + " in " + storage), generation);
  }
}
