package dev.varve.layer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Whether a layer's file is here, and when the layer was last used. Safe from any thread.
///
/// | from                | by                         | to          |
/// |---------------------|----------------------------|-------------|
/// | resident            | {@link #evict}             | evicted     |
/// | evicted, failed     | {@link #beginDownload}     | downloading |
/// | downloading         | {@link #makeResident}      | resident    |
/// | downloading         | {@link #failDownload}      | failed      |
///
/// Reads go on meanwhile, and none fails for it. One that meets a file that was just evicted takes
/// ranges of the object instead. Whoever changes the state holds a reference to the layer.
public final class Residency {

  private static final LayerState.Resident RESIDENT = new LayerState.Resident();

  private final LayerFiles files;
  private final Path path;
  private final long number;
  private final ReentrantLock changing = new ReentrantLock();
  private final Runnable arrived;
  private volatile LayerState state;

  private volatile long lastAccess;

  /// Since the last access was asked for; read much more often than written.
  private volatile boolean used;

  /// @param object where the layer is, if its file is not here; null: the file is here
  /// @param arrived is run whenever the file has been put in its place
  Residency(
      LayerFiles files, Path path, long number, @Nullable RemoteLayer object, Runnable arrived) {
    this.files = files;
    this.path = path;
    this.number = number;
    this.arrived = arrived;
    this.state = object == null ? RESIDENT : new LayerState.Evicted(object);
    this.lastAccess = files.clock().millis();
  }

  public LayerState state() {
    return state;
  }

  /// What is read while the file is not here; null: the file is here.
  @Nullable RemoteLayer object() {
    return state.object();
  }

  /// Whether reads take ranges.
  public boolean isRemote() {
    return !(state instanceof LayerState.Resident);
  }

  /// Gives up the file, which is deleted: its bytes are in object storage.
  ///
  /// @param object where the layer is from now on
  /// @return false when the file was not here already
  /// @throws IOException when it can't be deleted; it is not read any more all the same
  public boolean evict(RemoteLayer object) throws IOException {
    changing.lock();
    try {
      if (isRemote()) {
        return false;
      }
      // In this order: whoever opens the file after it was closed here sees that it is evicted.
      state = new LayerState.Evicted(object);
      Files.deleteIfExists(path);
      files.reopen(number);
      return true;
    } finally {
      changing.unlock();
    }
  }

  /// Before the whole file is fetched; only after this may it be put in its place.
  ///
  /// @return false when somebody else fetches it, or it is here
  public boolean beginDownload() {
    changing.lock();
    try {
      RemoteLayer object = state.object();
      if (object == null || state instanceof LayerState.Downloading) {
        return false;
      }
      state = new LayerState.Downloading(object);
      return true;
    } finally {
      changing.unlock();
    }
  }

  /// The whole file is in its place, checked and durable: it is read from now on.
  ///
  /// @throws IllegalStateException when nobody has begun to fetch it
  public void makeResident() {
    changing.lock();
    try {
      requireDownloading();
      state = RESIDENT;
      arrived.run();
    } finally {
      changing.unlock();
    }
  }

  /// The whole file could not be fetched; there is none in its place.
  ///
  /// @throws IllegalStateException when nobody has begun to fetch it
  public void failDownload(String reason, Instant until) {
    changing.lock();
    try {
      state = new LayerState.Failed(requireDownloading(), reason, until);
    } finally {
      changing.unlock();
    }
  }

  private RemoteLayer requireDownloading() {
    if (state instanceof LayerState.Downloading(RemoteLayer object)) {
      return object;
    }
    throw new IllegalStateException(path + " is not being fetched: " + state);
  }

  /// When a key was last looked for among the layer's data, or else when it was opened, in
  /// milliseconds since 1970. It is as exact as the calls of this method are frequent: each takes a
  /// use since the one before as one of this moment. Walks over the layer do not count.
  public long lastAccess() {
    if (used) {
      used = false;
      lastAccess = files.clock().millis();
    }
    return lastAccess;
  }

  /// On the way of every read: most only look at a flag, and none at the clock.
  void touch() {
    if (!used) {
      used = true;
    }
  }
}
