package dev.varve.remote.directory;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/// Held while names in the directory change, so that a condition still holds when it is acted on:
/// excludes the threads of this process, other processes, and other stores of this process.
final class StoreLock {

  private static final long RETRY_MILLIS = 1;

  /// What is done under the lock.
  interface Change<T> {
    T make() throws IOException;
  }

  private final Path file;
  private final ReentrantLock threads = new ReentrantLock();

  StoreLock(Path file) {
    this.file = file;
  }

  <T> T hold(Change<T> change) throws IOException, InterruptedException {
    threads.lockInterruptibly();
    try {
      // opened each time: an interrupt of one who waits closes it
      try (FileChannel channel =
              FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
          FileLock _ = lock(channel)) {
        return change.make();
      } catch (ClosedByInterruptException | FileLockInterruptionException e) {
        throw interrupted(e);
      }
    } finally {
      threads.unlock();
    }
  }

  /// The lock is the process's, so another store of this process is met with an exception.
  private static FileLock lock(FileChannel channel) throws IOException, InterruptedException {
    while (true) {
      try {
        return channel.lock();
      } catch (OverlappingFileLockException e) {
        TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
      }
    }
  }

  static InterruptedException interrupted(IOException cause) {
    Thread.interrupted(); // said by the exception from here on
    var interrupted = new InterruptedException();
    interrupted.initCause(cause);
    return interrupted;
  }
}
