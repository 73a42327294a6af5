package dev.varve.remote.directory;

import dev.varve.remote.ByteRange;
import dev.varve.remote.CheckedSink;
import dev.varve.remote.Content;
import dev.varve.remote.LocalFailure;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// An object store in a directory. Several processes may use it at once, also through a file system
/// that several machines mount, if that has locks.
///
/// The object `a/b` is the file `a/b+v1`, in the format of {@link ObjectFile}; the `+` keeps files
/// apart from directories, since there may be an object `a` and an object `a/b`. A file is written
/// under a temporary name, synced and renamed, and its directory is synced, before a put returns.
/// What begins with a dot is the store's own: `.lock`, and `.tmp` with the files that are being
/// written.
public final class DirectoryStore implements ObjectStore {

  /// What the name of an object's file ends with: the version of its format.
  static final String SUFFIX = "+v1";

  /// Temporary files are removed at this age: no put takes so long.
  static final Duration ABANDONED = Duration.ofDays(1);

  private static final int CHUNK = 1 << 16;

  private final Path root;
  private final Path temporary;
  private final StoreLock lock;
  private final AtomicLong puts = new AtomicLong();

  private DirectoryStore(Path root) {
    this.root = root;
    temporary = root.resolve(".tmp");
    lock = new StoreLock(root.resolve(".lock"));
  }

  /// Opens a store, which is created if it is not there, and removes what puts left that died.
  public static DirectoryStore open(Path root, InstantSource clock) throws StoreException {
    var store = new DirectoryStore(root.toAbsolutePath().normalize());
    try {
      store.createDirectories(store.temporary);
      store.removeAbandoned(clock.instant().minus(ABANDONED));
    } catch (IOException e) {
      throw store.failure("open", "the directory", e);
    }
    return store;
  }

  private int removeAbandoned(Instant before) throws IOException {
    int removed = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(temporary)) {
      for (Path file : files) {
        try {
          if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
            removed += Files.deleteIfExists(file) ? 1 : 0;
          }
        } catch (NoSuchFileException _) {
          // its put has ended
        }
      }
    }
    return removed;
  }

  @Override
  public ObjectState put(ObjectName name, Content content, PutCondition condition, Duration limit)
      throws IOException, InterruptedException {
    Path file = temporaryFile(name);
    ObjectFile written;
    try {
      written = ObjectFile.write(file, content);
    } catch (ClosedByInterruptException e) {
      discard(file, e);
      throw StoreLock.interrupted(e);
    } catch (LocalFailure e) {
      discard(file, e);
      throw e.failure();
    } catch (IOException e) {
      discard(file, e);
      throw failure("put", name.value(), e);
    }
    try {
      Instant modified =
          lock.hold(() -> {
            require(name, condition);
            return publish(file, fileOf(name));
          });
      return written.state(name, modified);
    } catch (InterruptedException e) {
      discard(file, e);
      throw e;
    } catch (IOException e) {
      discard(file, e);
      throw failure("put", name.value(), e);
    }
  }

  /// Makes a file that is this put's alone, whatever other processes do or dead ones left.
  private Path temporaryFile(ObjectName name) throws StoreException {
    while (true) {
      Path file = temporary.resolve(String.valueOf(puts.incrementAndGet()));
      try {
        return Files.createFile(file);
      } catch (FileAlreadyExistsException _) {
        // another's: the next name, then
      } catch (IOException e) {
        throw failure("put", name.value(), e);
      }
    }
  }

  /// Under the lock.
  private void require(ObjectName name, PutCondition condition) throws IOException {
    ObjectFile present = condition instanceof PutCondition.Always ? null : find(name);
    switch (condition) {
      case PutCondition.Always _ -> {}
      case PutCondition.IfAbsent _ -> {
        if (present != null) {
          throw preconditionFailed(name, "it exists, with etag " + present.etag());
        }
      }
      case PutCondition.IfMatches(String etag) -> {
        if (present == null) {
          throw preconditionFailed(name, "it does not exist");
        }
        if (!present.etag().equals(etag)) {
          throw preconditionFailed(name, "its etag is " + present.etag() + ", not " + etag);
        }
      }
    }
  }

  private StoreException preconditionFailed(ObjectName name, String finding) {
    return new StoreException.PreconditionFailed(
        this + ": " + name + " was not replaced: " + finding);
  }

  private @Nullable ObjectFile find(ObjectName name) throws IOException {
    try (FileChannel file = FileChannel.open(fileOf(name))) {
      return require(name, ObjectFile.read(file));
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private ObjectFile require(ObjectName name, @Nullable ObjectFile found)
      throws StoreException.Damaged {
    if (found == null) {
      throw new StoreException.Damaged(
          this + ": " + fileOf(name) + " is not the whole file of an object");
    }
    return found;
  }

  /// Under the lock.
  private Instant publish(Path file, Path target) throws IOException {
    createDirectories(parent(target));
    Files.move(file, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    sync(parent(target));
    return Files.getLastModifiedTime(target).toInstant();
  }

  private void createDirectories(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      return;
    }
    Path parent = directory.getParent();
    if (parent != null) {
      createDirectories(parent);
    }
    try {
      Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(directory)) {
        throw e;
      }
    }
    if (parent != null) {
      sync(parent);
    }
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel names = FileChannel.open(directory)) {
      names.force(true);
    }
  }

  private static void discard(Path file, Exception reason) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      reason.addSuppressed(e); // it is removed when it is old
    }
  }

  @Override
  public ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
      throws IOException, InterruptedException {
    try (FileChannel file = FileChannel.open(fileOf(name))) {
      ObjectState state = require(name, ObjectFile.read(file)).state(name, modified(name));
      long end = range.isWhole() ? state.size() : range.offset() + range.length();
      if (end > state.size()) {
        throw new StoreException.Damaged(
            this + ": " + name + " has only " + state.size() + " bytes, not " + range);
      }
      var checked = new CheckedSink(sink);
      copy(file, range.offset(), end, checked);
      checked.check(toString(), range, state);
      return state;
    } catch (LocalFailure e) {
      throw e.failure();
    } catch (ClosedByInterruptException e) {
      throw StoreLock.interrupted(e);
    } catch (IOException e) {
      throw failure("get", name.value(), e);
    }
  }

  private static void copy(FileChannel file, long offset, long end, CheckedSink sink)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(CHUNK, Math.max(1, end - offset)));
    for (long at = offset; at < end; at += buffer.limit()) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), end - at));
      if (file.read(buffer, at) < 0) {
        return; // the count tells
      }
      sink.write(buffer.flip());
    }
  }

  /// The time of the file that has this name now: close enough if it is replaced meanwhile.
  private Instant modified(ObjectName name) throws IOException {
    return Files.getLastModifiedTime(fileOf(name)).toInstant();
  }

  @Override
  public ObjectState head(ObjectName name, Duration limit)
      throws IOException, InterruptedException {
    try (FileChannel file = FileChannel.open(fileOf(name))) {
      return require(name, ObjectFile.read(file)).state(name, modified(name));
    } catch (ClosedByInterruptException e) {
      throw StoreLock.interrupted(e);
    } catch (IOException e) {
      throw failure("head", name.value(), e);
    }
  }

  @Override
  public ObjectPage list(String prefix, String after, int most, Duration limit)
      throws IOException, InterruptedException {
    if (most < 1 || most > MOST_LISTED) {
      throw new IllegalArgumentException("can't list " + most + " objects at once");
    }
    try {
      var walk = new NameWalk(prefix, after, most);
      walk.walk(root);
      var objects = new ArrayList<ObjectState>();
      for (ObjectName name : walk.found()) {
        try {
          objects.add(listed(name));
        } catch (NoSuchFileException _) {
          // deleted meanwhile
        }
      }
      boolean more = walk.found().size() == most;
      return new ObjectPage(objects, walk.foreign(), more ? walk.found().getLast().value() : null);
    } catch (ClosedByInterruptException e) {
      throw StoreLock.interrupted(e);
    } catch (IOException e) {
      throw failure("list", "\"" + prefix + "\"", e);
    }
  }

  /// A file that is damaged is listed too: whoever reads it hears of that.
  private ObjectState listed(ObjectName name) throws IOException {
    try (FileChannel file = FileChannel.open(fileOf(name))) {
      ObjectFile found = ObjectFile.read(file);
      long size = found == null ? Math.max(0, file.size() - ObjectFile.FOOTER) : found.size();
      String etag = found == null ? "damaged" : found.etag();
      return new ObjectState(name, size, etag, modified(name), OptionalInt.empty());
    }
  }

  @Override
  public void delete(List<ObjectName> names, Duration limit)
      throws IOException, InterruptedException {
    if (names.size() > MOST_DELETIONS) {
      throw new IllegalArgumentException("can't delete " + names.size() + " objects at once");
    }
    try {
      lock.hold(() -> {
        Set<Path> changed = new HashSet<>();
        for (ObjectName name : names) {
          Path file = fileOf(name);
          Files.deleteIfExists(file);
          changed.add(parent(file)); // also if it went in an attempt that failed to sync
        }
        for (Path directory : changed) {
          sync(removeEmpty(directory));
        }
        return changed;
      });
    } catch (IOException e) {
      throw failure("delete", names.size() + " objects", e);
    }
  }

  /// Removes directories that are empty, upwards.
  ///
  /// @return the first one that stays
  private Path removeEmpty(Path directory) throws IOException {
    for (Path at = directory; !at.equals(root); at = parent(at)) {
      try {
        Files.deleteIfExists(at);
      } catch (DirectoryNotEmptyException e) {
        return at;
      }
    }
    return root;
  }

  @Override
  public int removeAbandoned(Instant before, Duration limit) throws StoreException {
    try {
      return removeAbandoned(before);
    } catch (IOException e) {
      throw failure("removal", "abandoned files", e);
    }
  }

  private Path fileOf(ObjectName name) {
    return root.resolve(name.value() + SUFFIX);
  }

  private static Path parent(Path path) {
    Path parent = path.getParent();
    if (parent == null) {
      throw new IllegalStateException(path + " is in no directory");
    }
    return parent;
  }

  private StoreException failure(String operation, String object, IOException cause) {
    String what = this + ": " + operation + " of " + object + " failed: ";
    return switch (cause) {
      case StoreException known -> known;
      case NoSuchFileException e when operation.equals("get") || operation.equals("head") ->
          new StoreException.NotFound(this + " has no object " + object, e);
      case AccessDeniedException e ->
          new StoreException.Refused(
              what + "permission denied; make " + e.getFile() + " accessible to this user", e);
      default -> new StoreException.Unavailable(what + cause, cause);
    };
  }

  @Override
  public String toString() {
    return "directory " + root;
  }

  /// Holds nothing open.
  @Override
  public void close() {}
}
