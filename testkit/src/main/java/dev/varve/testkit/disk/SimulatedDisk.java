package dev.varve.testkit.disk;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A disk in memory that can fail and crash. Safe from any thread.
///
/// Operations that change it are counted: creating, writing, truncating, syncing, renaming and
/// deleting; reads are counted apart. They can be made to fail, one of them or all from then on;
/// and the process can "die" at one of them: then that one and all later ones do nothing but throw
/// {@link Died}, until {@link #crash} gives the disk that the next process finds.
public final class SimulatedDisk {

  /// Thrown at whoever uses the disk of a process that is dead.
  public static final class Died extends IOException {
    Died() {
      super("this process is dead");
    }
  }

  /// The operation of which there are most, and which matters most.
  static final String SYNC = "sync";

  private static final long NEVER = Long.MAX_VALUE;

  private final DiskNode.Directory root;
  private final DiskFileSystem fileSystem = new DiskFileSystem(this);
  private long operations;
  private long reads;
  private long failFirst = NEVER;
  private long failLast = NEVER;
  private DiskFault fault = DiskFault.FULL;
  private long firstBadRead = NEVER;
  private long lastBadRead = NEVER;
  private long dieAt = NEVER;
  private long syncsToLive = NEVER;
  private long faults;
  private long fingerprint;
  private int mostBytes = Integer.MAX_VALUE;
  private long capacity = NEVER;
  private InstantSource clock = () -> Instant.EPOCH;
  private Runnable beforeChange = () -> {};
  private Runnable beforeRead = () -> {};

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

  /// How many operations and reads have failed because they were to.
  public synchronized long faults() {
    return faults;
  }

  /// Of all operations that changed the disk, in their order.
  public synchronized long fingerprint() {
    return fingerprint;
  }

  /// Makes one operation fail, as on a full disk: the `n`th from now, counted from 0.
  public void failAt(long n) {
    failAt(n, DiskFault.FULL);
  }

  /// Makes one operation fail: the `n`th from now, counted from 0. A write that fails has written a
  /// part.
  public synchronized void failAt(long n, DiskFault how) {
    fault = how;
    failFirst = operations + n;
    failLast = failFirst;
  }

  /// Makes all operations fail from now on.
  public synchronized void failAll() {
    failFirst = operations;
    failLast = NEVER;
  }

  /// Makes some reads of files fail: `count` of them, from the `n`th from now on, counted from 0.
  public synchronized void failReads(long n, long count) {
    firstBadRead = reads + n;
    lastBadRead = firstBadRead + count - 1;
  }

  /// Makes writes fail that would have the files take more than so many bytes together. Other
  /// operations go on, as on a full disk: files can be deleted.
  public synchronized void setCapacity(long bytes) {
    capacity = bytes;
  }

  /// In bytes; where none was set, more than anybody needs.
  public synchronized long capacity() {
    return capacity == NEVER ? 1L << 50 : capacity;
  }

  /// What all files take together.
  public synchronized long used() {
    return used(root);
  }

  private static long used(DiskNode.Directory directory) {
    long sum = 0;
    for (DiskNode node : directory.now.values()) {
      sum +=
          switch (node) {
            case DiskNode.Directory child -> used(child);
            case DiskContent file -> file.size();
          };
    }
    return sum;
  }

  /// Says when files are written; without it, in 1970.
  public synchronized void setClock(InstantSource newClock) {
    clock = newClock;
  }

  InstantSource clock() {
    return clock;
  }

  /// No operation fails any more.
  public synchronized void heal() {
    failFirst = NEVER;
    failLast = NEVER;
    firstBadRead = NEVER;
  }

  /// Lets the process die at an operation: the `n`th from now, counted from 0.
  public synchronized void dieAt(long n) {
    dieAt = operations + n;
  }

  /// Lets the process die at a sync, of a file or a directory: the `n`th from now, counted from 0.
  public synchronized void dieAtSync(long n) {
    syncsToLive = n;
  }

  public synchronized boolean isDead() {
    return operations > dieAt;
  }

  /// Lets one read or write of a file do at most so many bytes, as the operating system may.
  public synchronized void limit(int bytes) {
    mostBytes = bytes;
  }

  /// Has something done before each operation that changes the disk, and before each read of a
  /// file, by whoever does the operation: what others might do at that moment.
  public synchronized void interleave(Runnable changing, Runnable reading) {
    beforeChange = changing;
    beforeRead = reading;
  }

  /// The disk as it is found after the power went now: unsynced writes may be there, or not, or
  /// torn, or in another order; so may new names. This one can be used no more.
  public synchronized SimulatedDisk crash(RandomGenerator random) {
    dieAt = operations - 1;
    var next = new SimulatedDisk(root.afterCrash(random));
    next.fingerprint = fingerprint;
    next.mostBytes = mostBytes;
    next.capacity = capacity;
    return next;
  }

  /// The files that are wholly on the disk, and not empty.
  public synchronized List<Path> syncedFiles() {
    var found = new ArrayList<Path>();
    collect(fileSystem.root(), root, found);
    return found;
  }

  private static void collect(Path at, DiskNode.Directory directory, List<Path> found) {
    directory.now.forEach((name, node) -> {
      Path path = at.resolve(name);
      switch (node) {
        case DiskNode.Directory child -> collect(path, child, found);
        case DiskContent file -> {
          if (file.isSynced() && file.size() > 0) {
            found.add(path);
          }
        }
      }
    });
  }

  /// Whether a file is there, wholly on the disk, and not damaged.
  public synchronized boolean isWell(Path file) throws IOException {
    return find((DiskPath) file) instanceof DiskContent content
        && content.isSynced()
        && !content.isDamaged();
  }

  /// Inverts one bit of a file that is wholly on the disk.
  public synchronized void flip(Path file, long bit) throws IOException {
    content(file).flip(bit);
  }

  /// Leaves only the first bytes of a file that is wholly on the disk.
  public synchronized void cut(Path file, int size) throws IOException {
    content(file).cut(size);
  }

  /// Takes a file away that is wholly on the disk. Whoever has it open has it still.
  public synchronized void lose(Path file) throws IOException {
    DiskPath path = (DiskPath) file;
    requireDirectory(path.requireParent()).lose(path.name(), content(file));
  }

  private DiskContent content(Path file) throws IOException {
    if (require((DiskPath) file) instanceof DiskContent content) {
      return content;
    }
    throw new IOException(file + " is a directory");
  }

  /// Makes damaged files what they were, and puts back those that were lost. A file that was
  /// replaced meanwhile stays what it is.
  public synchronized void mend() {
    root.mend();
  }

  /// Puts another file in the place of one that is damaged or lost, with what that one was: who has
  /// the damaged one open goes on with that.
  public synchronized void replace(Path file) throws IOException {
    DiskPath path = (DiskPath) file;
    requireDirectory(path.requireParent()).replace(path.name());
  }

  /// Before each operation that changes the disk.
  void operation(String what) throws IOException {
    beforeChange.run();
    long number = operations++;
    if (what.equals(SYNC) && syncsToLive-- == 0) {
      dieAt = Math.min(dieAt, number);
    }
    if (number >= dieAt) {
      throw new Died();
    }
    fingerprint = (fingerprint + number) * 31 + what.hashCode();
    if (number >= failFirst && number <= failLast) {
      faults++;
      throw new IOException(fault.words() + " (" + what + ")");
    }
  }

  /// Before a file grows.
  void requireRoom(long growth) throws IOException {
    if (capacity != NEVER && growth > 0 && growth > capacity - used()) {
      faults++;
      throw new IOException(DiskFault.FULL.words() + " (write)");
    }
  }

  synchronized DiskAttributes attributes(DiskPath path) throws IOException {
    DiskNode node = require(path);
    return new DiskAttributes(node, node instanceof DiskContent file ? file.size() : 0);
  }

  synchronized void setTime(DiskPath path, long millis) throws IOException {
    if (require(path) instanceof DiskContent file) {
      file.setTime(millis);
    }
  }

  /// Before each read of a file.
  void reading() throws IOException {
    beforeRead.run();
    look();
    long number = reads++;
    if (number >= firstBadRead && number <= lastBadRead) {
      faults++;
      throw new IOException(DiskFault.BROKEN.words() + " (read)");
    }
  }

  int mostBytes() {
    return mostBytes;
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

  synchronized DiskContent createFile(DiskPath path) throws IOException {
    DiskNode.Directory parent = requireDirectory(path.requireParent());
    operation("create " + path);
    var file = new DiskContent();
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

  /// Replaces a file. Within one directory a crash keeps all of it or nothing; from one to another
  /// it may keep either half, which is worse than what most file systems do.
  synchronized void rename(DiskPath from, DiskPath to) throws IOException {
    DiskNode moved = require(from);
    if (find(to) instanceof DiskNode.Directory directory && !directory.now.isEmpty()) {
      throw new DirectoryNotEmptyException(to.toString());
    }
    DiskNode.Directory source = requireDirectory(from.requireParent());
    DiskNode.Directory target = requireDirectory(to.requireParent());
    operation("rename " + from);
    if (source == target) {
      source.rename(from.name(), to.name());
    } else {
      target.put(to.name(), moved);
      source.remove(from.name());
    }
  }
}
