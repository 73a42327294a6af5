package dev.varve.layer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// The layer files of a process, of which a limited number is open at once: those last read. Safe
/// from any thread.
///
/// Java closes a channel when a thread is interrupted while it reads from it. The interrupted
/// thread gets its exception; for others who read the same file then, it is opened anew.
public final class LayerFiles implements AutoCloseable {

  private static final int READERS_KEPT = 32;

  /// Opens a file for reading.
  interface Opener {
    FileChannel open(Path file) throws IOException;
  }

  private static final class OpenFile {
    final FileChannel channel;
    int users;
    boolean dropped;

    OpenFile(FileChannel channel) {
      this.channel = channel;
    }
  }

  private final BlockCache cache;
  private final int mostOpen;
  private final Opener opener;
  private final InstantSource clock;
  private final RemoteRanges ranges;
  private final AtomicLong lastNumber = new AtomicLong();
  private final ArrayBlockingQueue<BlockReader> readers = new ArrayBlockingQueue<>(READERS_KEPT);
  private final LongAdder reads = new LongAdder();
  private final LongAdder bytesRead = new LongAdder();
  private final ReentrantLock lock = new ReentrantLock();
  private final LinkedHashMap<Long, OpenFile> open = new LinkedHashMap<>(16, 0.75f, true);
  private boolean closed;

  /// @param cache what is read goes through it
  /// @param mostOpen how many files stay open when nobody reads them
  public LayerFiles(BlockCache cache, int mostOpen) {
    this(cache, mostOpen, InstantSource.system(), RemoteLayers.none());
  }

  /// @param cache what is read goes through it
  /// @param mostOpen how many files stay open when nobody reads them
  /// @param clock for the times at which layers were last used
  /// @param remote where layers are whose files are not here
  public LayerFiles(BlockCache cache, int mostOpen, InstantSource clock, RemoteLayers remote) {
    this(cache, mostOpen, clock, remote, file -> FileChannel.open(file, StandardOpenOption.READ));
  }

  LayerFiles(BlockCache cache, int mostOpen, Opener opener) {
    this(cache, mostOpen, InstantSource.system(), RemoteLayers.none(), opener);
  }

  LayerFiles(
      BlockCache cache, int mostOpen, InstantSource clock, RemoteLayers remote, Opener opener) {
    if (mostOpen < 1) {
      throw new IllegalArgumentException("at least one file must be open, not " + mostOpen);
    }
    this.cache = cache;
    this.mostOpen = mostOpen;
    this.opener = opener;
    this.clock = clock;
    this.ranges = new RemoteRanges(remote);
  }

  /// Makes a finished layer durable under its own name: syncs the file, renames it, syncs the
  /// directory. When this fails, the layer is not there: nothing may rely on it, and either file
  /// may be left for the next start to delete.
  ///
  /// One process owns the directory, and nobody else commits a layer of this name at the same time.
  ///
  /// @return where the file is now
  /// @throws FileAlreadyExistsException when there is a file of that name; it is left alone
  public static Path commit(FinishedLayer layer, Path directory) throws IOException {
    Path target = directory.resolve(layer.name().fileName());
    try (FileChannel file = FileChannel.open(layer.temporary(), StandardOpenOption.WRITE)) {
      file.force(true);
    }
    if (Files.exists(target)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    Files.move(layer.temporary(), target, StandardCopyOption.ATOMIC_MOVE);
    syncDirectory(directory);
    return target;
  }

  /// Makes the names of files in a directory durable, and that deleted ones are gone.
  public static void syncDirectory(Path directory) throws IOException {
    try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
      names.force(true);
    }
  }

  public BlockCache cache() {
    return cache;
  }

  InstantSource clock() {
    return clock;
  }

  RemoteRanges ranges() {
    return ranges;
  }

  /// A number that no other file of this process has.
  long nextNumber() {
    return lastNumber.incrementAndGet();
  }

  BlockReader takeReader() {
    BlockReader reader = readers.poll();
    return reader == null ? new BlockReader() : reader;
  }

  void giveBack(BlockReader reader) {
    readers.offer(reader); // or leave it to the garbage collector
  }

  /// The size of a file, in bytes.
  long size(long number, Path path) throws IOException {
    var size = new long[1];
    use(number, path, channel -> size[0] = channel.size());
    return size[0];
  }

  /// Reads exactly `length` bytes at `offset`.
  ///
  /// @throws CorruptLayerException when the file ends before
  void read(long number, Path path, long offset, byte[] target, int length, ByteBuffer buffer)
      throws IOException {
    use(number, path, channel -> read(channel, path, offset, target, length, buffer));
    reads.increment();
    bytesRead.add(length);
  }

  /// Fills a buffer from `offset` on.
  ///
  /// @throws CorruptLayerException when the file ends before
  void read(long number, Path path, long offset, ByteBuffer target) throws IOException {
    use(
        number,
        path,
        channel -> {
          target.position(0);
          while (target.hasRemaining()) {
            if (channel.read(target, offset + target.position()) < 0) {
              throw new CorruptLayerException(
                  path, offset + target.position(), "the file ends here");
            }
          }
        });
  }

  private static void read(
      FileChannel channel, Path path, long offset, byte[] target, int length, ByteBuffer buffer)
      throws IOException {
    int done = 0;
    while (done < length) {
      buffer.clear().limit(Math.min(buffer.capacity(), length - done));
      int count = channel.read(buffer, offset + done);
      if (count < 0) {
        throw new CorruptLayerException(path, offset + done, "the file ends here");
      }
      buffer.flip().get(target, done, count);
      done += count;
    }
  }

  private interface Use {
    void of(FileChannel channel) throws IOException;
  }

  private void use(long number, Path path, Use use) throws IOException {
    while (true) {
      if (Thread.currentThread().isInterrupted()) {
        throw new ClosedByInterruptException(); // rather than close the file for all others
      }
      OpenFile file = borrow(number, path);
      try {
        use.of(file.channel);
        return;
      } catch (ClosedByInterruptException e) {
        drop(number, file);
        throw e;
      } catch (ClosedChannelException e) {
        drop(number, file); // another reader was interrupted: once more, with a new channel
      } catch (CorruptLayerException e) {
        throw e;
      } catch (IOException e) {
        throw new UnreadableLayerException(path, e);
      } finally {
        release(file);
      }
    }
  }

  private OpenFile borrow(long number, Path path) throws IOException {
    OpenFile file = borrowOpen(number);
    if (file != null) {
      return file;
    }
    FileChannel channel = opener.open(path);
    List<OpenFile> evicted = new ArrayList<>();
    lock.lock();
    try {
      if (closed) {
        evicted.add(new OpenFile(channel));
        throw new IllegalStateException("layer files are closed");
      }
      file = open.get(number);
      if (file == null) {
        file = new OpenFile(channel);
        open.put(number, file);
      } else {
        evicted.add(new OpenFile(channel)); // another reader was faster
      }
      file.users++;
      evict(evicted);
    } finally {
      lock.unlock();
      closeAll(evicted);
    }
    return file;
  }

  private @Nullable OpenFile borrowOpen(long number) {
    lock.lock();
    try {
      OpenFile file = open.get(number);
      if (file != null) {
        file.users++;
      }
      return file;
    } finally {
      lock.unlock();
    }
  }

  /// Takes out files that were not read for longest, but none that is being read.
  private void evict(List<OpenFile> evicted) {
    Iterator<OpenFile> eldest = open.values().iterator();
    while (open.size() > mostOpen && eldest.hasNext()) {
      OpenFile file = eldest.next();
      if (file.users == 0) {
        eldest.remove();
        evicted.add(file);
      }
    }
  }

  private void release(OpenFile file) throws IOException {
    boolean close;
    lock.lock();
    try {
      file.users--;
      close = file.dropped && file.users == 0;
    } finally {
      lock.unlock();
    }
    if (close) {
      file.channel.close();
    }
  }

  private void drop(long number, OpenFile file) {
    lock.lock();
    try {
      file.dropped = true;
      open.remove(number, file);
    } finally {
      lock.unlock();
    }
  }

  /// Lets a file be opened anew when it is read next: another may have taken its place.
  void reopen(long number) throws IOException {
    OpenFile file;
    boolean unused;
    lock.lock();
    try {
      file = open.remove(number);
      unused = file != null && file.users == 0;
      if (file != null) {
        file.dropped = true;
      }
    } finally {
      lock.unlock();
    }
    if (file != null && unused) {
      file.channel.close();
    }
  }

  /// Closes a file that nobody reads any more.
  void forget(long number) throws IOException {
    OpenFile file;
    lock.lock();
    try {
      file = open.remove(number);
    } finally {
      lock.unlock();
    }
    if (file != null) {
      file.channel.close();
    }
  }

  private static void closeAll(List<OpenFile> files) throws IOException {
    for (OpenFile file : files) {
      file.channel.close();
    }
  }

  /// How often a file was read.
  public long reads() {
    return reads.sum();
  }

  /// How many bytes that were.
  public long bytesRead() {
    return bytesRead.sum();
  }

  /// How often a range was read from object storage.
  public long rangesRead() {
    return ranges.reads();
  }

  /// How many bytes that were.
  public long rangeBytesRead() {
    return ranges.bytesRead();
  }

  /// How many files are open now.
  public int openFiles() {
    lock.lock();
    try {
      return open.size();
    } finally {
      lock.unlock();
    }
  }

  /// Closes all files. Nobody may be reading.
  @Override
  public void close() throws IOException {
    List<OpenFile> files;
    lock.lock();
    try {
      closed = true;
      files = new ArrayList<>(open.values());
      open.clear();
    } finally {
      lock.unlock();
    }
    closeAll(files);
  }
}
