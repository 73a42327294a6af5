package dev.varve.layer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
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

  private static final long UNKNOWN = Long.MIN_VALUE;

  private final LayerFiles files;
  private final Path path;
  private final long number;
  private final ReentrantLock changing = new ReentrantLock();
  private final Runnable arrived;
  private final Heat heat = new Heat();
  private volatile LayerState state;
  private final AtomicInteger arrivals = new AtomicInteger();

  /// {@link #UNKNOWN} until somebody asks: then the file says it.
  private volatile long lastAccess;

  /// Since the last access was asked for; read much more often than written.
  private volatile boolean used;

  /// Whether the last access is later than the file says. Guarded by `changing`.
  private boolean unsaved;

  /// @param object where the layer is, if its file is not here; null: the file is here
  /// @param arrived is run whenever the file has been put in its place
  Residency(
      LayerFiles files, Path path, long number, @Nullable RemoteLayer object, Runnable arrived) {
    this.files = files;
    this.path = path;
    this.number = number;
    this.arrived = arrived;
    this.state = object == null ? RESIDENT : new LayerState.Evicted(object);
    this.lastAccess = object == null ? UNKNOWN : files.clock().millis();
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

  /// How often the file was put in its place. Whoever finds none where one should be looks whether
  /// that has changed: then it went and came back meanwhile.
  int arrivals() {
    return arrivals.get();
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
      arrivals.incrementAndGet(); // before anybody sees that the file is here, and misses it again
      state = RESIDENT;
      used = true; // it was wanted
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

  /// When a key was last looked for among the layer's data, in milliseconds since 1970; before that
  /// has happened, what {@link #saveLastAccess} has left, or when the file was written, or, without
  /// a file, when the layer was opened. It is as exact as the calls of this method are frequent:
  /// each takes a use since the one before as one of this moment. Walks over the layer do not
  /// count.
  public long lastAccess() {
    changing.lock();
    try {
      long now = files.clock().millis();
      if (used) {
        used = false;
        unsaved = true;
        lastAccess = now;
      } else if (lastAccess == UNKNOWN) {
        lastAccess = Math.min(now, timeOfFile(now));
      }
      return lastAccess;
    } finally {
      changing.unlock();
    }
  }

  /// @param unknown when the file does not say it
  private long timeOfFile(long unknown) {
    try {
      return Files.getLastModifiedTime(path).toMillis();
    } catch (IOException _) {
      return unknown; // Whoever reads the file says what is wrong with it.
    }
  }

  /// Keeps the last access beyond this object, as the file's modification time: for whoever opens
  /// the layer next. Does nothing unless the layer was used, or while the file is not here.
  ///
  /// @throws IOException when that can't be noted; the file is as it was
  public void saveLastAccess() throws IOException {
    changing.lock();
    try {
      if ((!used && !unsaved) || isRemote()) {
        return;
      }
      Files.setLastModifiedTime(path, FileTime.fromMillis(lastAccess()));
      unsaved = false;
    } catch (NoSuchFileException _) {
      unsaved = false; // There is nothing left to be opened.
    } finally {
      changing.unlock();
    }
  }

  /// On the way of every read: most only look at a flag, and none at the clock.
  void touch() {
    if (!used) {
      used = true;
    }
  }

  /// A range was fetched for a read, because the file is not here.
  void fetched(RemoteLayer object, int bytes) {
    if (heat.add(bytes, object.bytes(), files.clock().millis())) {
      files.ranges().hot(object);
    }
  }
}
