package dev.varve.timeline;

import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Puts a layer file into the object store, and makes sure that it is what was written.
final class LayerPut {

  private LayerPut() {}

  /// @param name of the object
  /// @param condition of the timeline, which is told of a file that is damaged
  /// @return false when there was nothing to put: the file was evicted, and the store has it
  /// @throws UnusableFileException when the file is not what was written, or is nowhere
  static boolean run(
      RemoteStorage storage,
      ObjectName name,
      LayerEntry entry,
      TimelineFiles files,
      Condition condition)
      throws IOException, InterruptedException {
    Path file = files.layer(entry.name());
    if (!Files.exists(file)) {
      requireStored(storage, name, entry, file);
      return false;
    }
    Content content = Content.of(file);
    // Before it is put: the store may have the layer already, and no other whole copy is left then.
    requireWritten(file, content.size(), content.crc32c(0, content.size()), entry, condition);
    ObjectState state = storage.put(name, content, PutCondition.ALWAYS, RemoteTenant.PUT);
    int crc =
        state.crc32c().isPresent() ? state.crc32c().getAsInt() : content.crc32c(0, content.size());
    requireWritten(file, state.size(), crc, entry, condition);
    return true;
  }

  private static void requireWritten(
      Path file, long size, int crc, LayerEntry entry, Condition condition)
      throws UnusableFileException {
    if (size != entry.bytes() || crc != entry.crc()) {
      String finding = "is not what was written: its size or checksum is wrong";
      condition.damaged().note(file, finding);
      throw new UnusableFileException(file + " " + finding + "; it can't be uploaded");
    }
  }

  /// A layer that was evicted is in the store, though it may not have been found there: a list of
  /// index parts may be stale.
  private static void requireStored(
      RemoteStorage storage, ObjectName name, LayerEntry entry, Path file)
      throws IOException, InterruptedException {
    if (!isStored(storage, name, entry)) {
      throw new UnusableFileException(
          "%s is missing and can't be uploaded, nor is it in %s, where %s should be: has this always been the store of this data directory?"
              .formatted(file, storage, name));
    }
  }

  /// Whether the store has a layer as it was written.
  static boolean isStored(RemoteStorage storage, ObjectName name, LayerEntry entry)
      throws IOException, InterruptedException {
    try {
      ObjectState state = storage.head(name, RemoteTenant.PUT);
      return state.size() == entry.bytes()
          && state.crc32c().isPresent()
          && state.crc32c().getAsInt() == entry.crc();
    } catch (StoreException.NotFound _) {
      return false;
    }
  }
}
