package dev.varve.timeline;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Keeps a data directory to one process: holds a lock on `varve.lock` in it, where the process's
/// id stands for people. The operating system ends the lock with the process, however that ends.
final class DirectoryLock implements AutoCloseable {

  private static final String FILE = "varve.lock";

  private final FileChannel channel;

  private DirectoryLock(FileChannel channel) {
    this.channel = channel;
  }

  /// @throws IOException when another process has the lock, naming it
  static DirectoryLock take(Path directory) throws IOException {
    FileChannel channel = FileChannel.open(directory.resolve(FILE), CREATE, READ, WRITE);
    try {
      if (tryLock(channel) == null) {
        throw new IOException(
            "data directory %s is in use by another process (%s); stop it, or use another directory"
                .formatted(directory, holder(channel)));
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)),
          0);
      return new DirectoryLock(channel);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // by this process itself
    }
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(20);
    channel.read(text, 0);
    String pid = StandardCharsets.US_ASCII.decode(text.flip()).toString().strip();
    return pid.matches("[0-9]+") ? "pid " + pid : "its id is unknown";
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
