package dev.varve.testkit.disk;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A disk in memory that can fail and crash. Safe from any thread.
///
/// Operations that change it are counted: creating, writing, truncating, syncing, renaming and
/// deleting. They can be made to fail, one of them or all from then on; and the process can "die"
/// at one of them: then that one and all later ones do nothing but throw {@link Died}, until {@link
/// #crash} gives the disk that the next process finds.
public final class SimulatedDisk {

  /// Thrown at whoever uses the disk of a process that is dead.
  public static final class Died extends IOException {
    Died() {
      super("this process is dead");
    }
  }

  private static final long NEVER = Long.MAX_VALUE;

  private final DiskNode.Directory root;
  private final DiskFileSystem fileSystem = new DiskFileSystem(this);
  private long operations;
  private long failFirst = NEVER;
  private long failLast = NEVER;
  private long dieAt = NEVER;

  public SimulatedDisk() {
    this(new DiskNode.Directory());
  }

  private SimulatedDisk(DiskNode.Directory root) {
    this.root = root;
  }

  public Path root() {
    return fileSystem.root();
  }

  /// How many operations have changed the disk, or tried to.
  public synchronized long operations() {
    return operations;
  }

  /// Makes one operation fail, as on a full disk: the `n`th from now, counted from 0.
  public synchronized void failAt(long n) {
    failFirst = operations + n;
    failLast = failFirst;
  }

  /// Makes all operations fail from now on.
  public synchronized void failAll() {
    failFirst = operations;
    failLast = NEVER;
  }

  /// No operation fails any more.
  public synchronized void heal() {
    failFirst = NEVER;
    failLast = NEVER;
  }

  /// Lets the process die at an operation: the `n`th from now, counted from 0.
  public synchronized void dieAt(long n) {
    dieAt = operations + n;
  }

  public synchronized boolean isDead() {
    return operations > dieAt;
  }

  /// The disk as it is found after the power went now: unsynced writes may be there, or not, or
  /// torn; so may new names. This one can be used no more.
  public synchronized SimulatedDisk crash(RandomGenerator random) {
    dieAt = operations - 1;
    return new SimulatedDisk(root.afterCrash(random));
  }

  /// Before each operation that changes the disk.
  void operation(String what) throws IOException {
    long number = operations++;
    if (number >= dieAt) {
      throw new Died();
    }
    if (number >= failFirst && number <= failLast) {
      throw new IOException("No space left on device (" + what + ")");
    }
  }

  private void look() throws IOException {
    if (isDead()) {
      throw new Died();
    }
  }

  synchronized @Nullable DiskNode find(DiskPath path) throws IOException {
    look();
    DiskNode node = root;
    for (String name : path.names()) {
      if (!(node instanceof DiskNode.Directory directory)) {
        return null;
      }
      node = directory.now.get(name);
    }
    return node;
  }

  synchronized DiskNode require(DiskPath path) throws IOException {
    DiskNode node = find(path);
    if (node == null) {
      throw new NoSuchFileException(path.toString());
    }
    return node;
  }

  DiskNode.Directory requireDirectory(DiskPath path) throws IOException {
    if (require(path) instanceof DiskNode.Directory directory) {
      return directory;
    }
    throw new NotDirectoryException(path.toString());
  }

  synchronized DiskNode.Content createFile(DiskPath path) throws IOException {
    DiskNode.Directory parent = requireDirectory(path.requireParent());
    operation("create " + path);
    var file = new DiskNode.Content();
    parent.put(path.name(), file);
    return file;
  }

  synchronized void createDirectory(DiskPath path) throws IOException {
    look();
    DiskNode.Directory parent = requireDirectory(path.requireParent());
    if (parent.now.containsKey(path.name())) {
      throw new FileAlreadyExistsException(path.toString());
    }
    operation("mkdir " + path);
    parent.put(path.name(), new DiskNode.Directory());
  }

  synchronized void delete(DiskPath path) throws IOException {
    if (require(path) instanceof DiskNode.Directory directory && !directory.now.isEmpty()) {
      throw new DirectoryNotEmptyException(path.toString());
    }
    operation("delete " + path);
    requireDirectory(path.requireParent()).remove(path.name());
  }

  /// Within one directory; replaces a file.
  synchronized void rename(DiskPath from, DiskPath to) throws IOException {
    require(from);
    if (!from.requireParent().equals(to.requireParent())) {
      throw new IOException("not within one directory: " + from + " to " + to);
    }
    if (find(to) instanceof DiskNode.Directory directory && !directory.now.isEmpty()) {
      throw new DirectoryNotEmptyException(to.toString());
    }
    operation("rename " + from);
    requireDirectory(from.requireParent()).rename(from.name(), to.name());
  }
}
