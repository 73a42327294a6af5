package dev.varve.timeline;

import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.Urgency;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.time.Duration;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/// An index part that the object store has.
///
/// @param generation in which it was put
record StoredIndex(IndexPart part, Generation generation) {

  private static final RemoteCall READ = new RemoteCall(Urgency.UPLOAD, 4, Duration.ofMinutes(10));

  private static final int MOST_BYTES = 256 << 20;
  private static final int MOST_LISTED = 10_000;

  /// Looks for the newest index part of a timeline.
  ///
  /// @param likely the generation that it should have, if it has any but the first: asked for by
  ///   name, because a list may be stale
  /// @param own the generation in which the tenant is here
  /// @return null when there is none
  /// @throws IOException when that is not known now; also when the newest is no index part, or its
  ///   generation is above `own`
  static @Nullable StoredIndex find(
      RemoteStorage storage, TimelineKey key, Generation likely, Generation own)
      throws IOException, InterruptedException {
    if (!likely.equals(Generation.NONE)) {
      try {
        return read(storage, name(key, likely));
      } catch (StoreException.NotFound _) {
        // Nothing was put in that generation.
      }
    }
    Generation listed = listed(storage, key, Generation.HIGHEST);
    if (listed.compareTo(own) > 0) {
      throw new UnusableFileException(
          "%s in %s is of a generation above %s, which is this node's"
              .formatted(name(key, listed).object(), storage, own));
    }
    return findNewest(storage, key, own);
  }

  /// Looks for the newest index part of a timeline, for somebody who takes it over.
  ///
  /// @param highest the generation that it can have at most; what is put in a higher one meanwhile
  ///   is of nobody who counts
  /// @return null when there is none
  static @Nullable StoredIndex findNewest(
      RemoteStorage storage, TimelineKey key, Generation highest)
      throws IOException, InterruptedException {
    Generation newest =
        NewestObject.find(
            storage,
            listed(storage, key, highest),
            highest,
            generation -> name(key, generation).object(),
            READ);
    return newest.equals(Generation.NONE) ? null : read(storage, name(key, newest));
  }

  /// The newest that is listed, for somebody who looks twice before he believes it.
  ///
  /// @return null when there is none
  static @Nullable StoredIndex readListed(RemoteStorage storage, TimelineKey key)
      throws IOException, InterruptedException {
    Generation newest = listed(storage, key, Generation.HIGHEST);
    return newest.equals(Generation.NONE) ? null : read(storage, name(key, newest));
  }

  /// @return {@link Generation#NONE} when none is listed
  private static Generation listed(RemoteStorage storage, TimelineKey key, Generation highest)
      throws IOException, InterruptedException {
    String prefix = RemoteName.indexParts(key.tenant(), key.id());
    return storage.listAll(prefix, MOST_LISTED, READ).stream()
        .map(ObjectState::name)
        .flatMap(object -> RemoteName.parse(object).stream())
        .map(RemoteName::generation)
        .filter(generation -> generation.compareTo(highest) <= 0)
        .max(Comparator.naturalOrder())
        .orElse(Generation.NONE);
  }

  static RemoteName.Index name(TimelineKey key, Generation generation) {
    return new RemoteName.Index(key.tenant(), key.id(), generation);
  }

  private static StoredIndex read(RemoteStorage storage, RemoteName.Index name)
      throws IOException, InterruptedException {
    ObjectName object = name.object();
    String source = object + " in " + storage;
    byte[] bytes = storage.read(object, MOST_BYTES, READ);
    return new StoredIndex(
        IndexJson.read(CheckedJson.read(bytes, source), source), name.generation());
  }
}
