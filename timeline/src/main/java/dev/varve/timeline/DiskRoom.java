package dev.varve.timeline;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// Whether there is room for whole layers below the low water mark of a disk.
///
/// @param data a directory on it
record DiskRoom(Path data, CacheSettings settings) {

  private static final System.Logger LOG = System.getLogger(DiskRoom.class.getName());

  boolean hasRoom(long bytes) throws IOException {
    DiskSpace.Space space = settings.disk().measure(data);
    return new DiskSpace.Space(space.total(), space.free() - bytes).above(settings.lowWater()) == 0;
  }

  /// Why not even a layer of some size can come, a sentence; empty: it can, or it is not known.
  Optional<String> obstacle(long bytes) {
    if (settings.downloads() == 0) {
      return Optional.of("whole layers are never fetched here");
    }
    try {
      return hasRoom(bytes)
          ? Optional.empty()
          : Optional.of(
              "the disk of %s is not filled to more than %d percent with them"
                  .formatted(data, settings.lowWater()));
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "it is not known how full the disk is", e);
      return Optional.empty();
    }
  }
}
