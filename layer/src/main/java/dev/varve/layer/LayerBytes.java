package dev.varve.layer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// The bytes of one layer: of its file while that is here, else of its object. Safe from any
/// thread; a file that goes in the middle of a read is no failure.
final class LayerBytes {

  private final LayerFiles files;
  private final Path path;
  private final long number;
  private final Residency residency;

  LayerBytes(LayerFiles files, Path path, long number, Residency residency) {
    this.files = files;
    this.path = path;
    this.number = number;
    this.residency = residency;
  }

  /// Reads exactly `length` bytes at `offset`.
  ///
  /// @return the object that they are of; null: of the file
  @Nullable RemoteLayer read(long offset, byte[] target, int length, ByteBuffer buffer)
      throws IOException {
    RemoteLayer object = null;
    while (object == null) {
      int arrivals = residency.arrivals();
      object = residency.object();
      if (object == null) {
        try {
          files.read(number, path, offset, target, length, buffer);
          closeIfEvicted();
          return null;
        } catch (NoSuchFileException e) {
          object = insteadOfFile(e, arrivals);
        }
      }
    }
    byte[] bytes = range(object, offset, length);
    System.arraycopy(bytes, 0, target, 0, length);
    return object;
  }

  /// Fills a buffer from `offset` on.
  ///
  /// @return the object that the bytes are of; null: of the file
  @Nullable RemoteLayer read(long offset, ByteBuffer target) throws IOException {
    RemoteLayer object = null;
    while (object == null) {
      int arrivals = residency.arrivals();
      object = residency.object();
      if (object == null) {
        try {
          files.read(number, path, offset, target);
          closeIfEvicted();
          return null;
        } catch (NoSuchFileException e) {
          object = insteadOfFile(e, arrivals);
        }
      }
    }
    target.position(0).put(range(object, offset, target.limit()));
    return object;
  }

  /// Whoever opened the file just before it was deleted leaves it open, and the disk full.
  private void closeIfEvicted() throws IOException {
    if (residency.isRemote()) {
      files.reopen(number);
    }
  }

  /// @param arrivals how often the file had been put in its place when it was looked for
  /// @return null when it has come back since: it is to be looked for again
  /// @throws NoSuchFileException when the file should be here
  @Nullable RemoteLayer insteadOfFile(NoSuchFileException missing, int arrivals)
      throws NoSuchFileException {
    RemoteLayer object = residency.object();
    if (object == null && residency.arrivals() == arrivals) {
      throw missing;
    }
    return object;
  }

  /// Fetches for a read, which makes the layer warmer.
  byte[] range(RemoteLayer object, long offset, int length) throws IOException {
    byte[] bytes = rangeOfWalk(object, offset, length);
    residency.fetched(object, length);
    return bytes;
  }

  /// Fetches for a walk over the layer, such as that of a merge, which will not come again.
  byte[] rangeOfWalk(RemoteLayer object, long offset, int length) throws IOException {
    return files.ranges().read(number, object, offset, length);
  }
}
