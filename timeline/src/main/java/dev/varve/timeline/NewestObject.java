package dev.varve.timeline;

import dev.varve.remote.ObjectName;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.util.function.Function;

/// Finds the newest of objects that differ in their generation alone. A list may be stale and lack
/// the newest, so those that it may lack are asked for by name; that answer never is.
final class NewestObject {

  /// No list is so old that it lacks more generations than these.
  static final int MOST_ASKED = 16;

  private NewestObject() {}

  /// @param listed the newest in a list; {@link Generation#NONE}: there was none
  /// @param highest the newest that there can be
  /// @param name of the object of a generation
  /// @return {@link Generation#NONE} when there is none
  static Generation find(
      RemoteStorage storage,
      Generation listed,
      Generation highest,
      Function<Generation, ObjectName> name,
      RemoteCall call)
      throws IOException, InterruptedException {
    Generation at = highest;
    for (int asked = 0; asked < MOST_ASKED && at.compareTo(listed) > 0; asked++) {
      if (exists(storage, name.apply(at), call)) {
        return at;
      }
      at = at.previous();
    }
    return listed;
  }

  private static boolean exists(RemoteStorage storage, ObjectName object, RemoteCall call)
      throws IOException, InterruptedException {
    try {
      storage.head(object, call);
      return true;
    } catch (StoreException.NotFound _) {
      return false;
    }
  }
}
