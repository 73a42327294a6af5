package dev.varve.timeline;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/// Says how full a disk is.
@FunctionalInterface
public interface DiskSpace {

  /// What the operating system says of the file system.
  DiskSpace OF_FILE_SYSTEM =
      directory -> {
        FileStore store = Files.getFileStore(directory);
        return new Space(store.getTotalSpace(), store.getUsableSpace());
      };

  /// @param total what the disk has, in bytes
  /// @param free what this process may still write
  record Space(long total, long free) {

    /// In percent, rounded up: a disk that has a little free is not full, but for most purposes.
    public int usedPercent() {
      return total <= 0 ? 0 : (int) Math.ceil(100.0 * (total - free) / total);
    }

    /// How many bytes have to go until no more is used than so many percent.
    public long above(int percent) {
      return Math.max(0, total - free - (long) (total / 100.0 * percent));
    }
  }

  /// @param directory anywhere on the disk
  Space measure(Path directory) throws IOException;
}
