package dev.varve.datadir.backup;

import dev.varve.model.Lsn;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;

/// WAL segments from tars, which have them in any order, as files in a folder of their own. The
/// folder is deleted in the end.
final class WalSpool implements AutoCloseable {

  private final Path folder;

  WalSpool(Path scratch) throws IOException {
    Files.createDirectories(scratch);
    this.folder = Files.createTempDirectory(scratch, "wal");
  }

  Path folder() {
    return folder;
  }

  /// Extracts the segments of a tar that are needed, and the histories.
  ///
  /// @param from what lies before is not needed
  void extract(Path tar, Lsn from, int segmentSize) throws IOException {
    var segments = new WalSegments(segmentSize);
    try (BackupTar entries = BackupTar.open(tar)) {
      TarArchiveEntry entry = entries.getNextEntry();
      while (entry != null) {
        if (entry.isFile() && isNeeded(entry.getName(), segments, from)) {
          Path file = folder.resolve(fileName(entry.getName()));
          if (!Files.exists(file)) {
            Files.copy(entries, file);
          }
        }
        entry = entries.getNextEntry();
      }
    }
  }

  /// `pg_wal.tar` has the segments at its root, the data directory's tar in its folder `pg_wal`.
  private static String fileName(String path) {
    String file = path.startsWith("./") ? path.substring(2) : path;
    return file.startsWith("pg_wal/") ? file.substring("pg_wal/".length()) : file;
  }

  private static boolean isNeeded(String path, WalSegments segments, Lsn from) {
    return switch (WalFileName.parse(fileName(path)).orElse(null)) {
      case WalFileName.Segment(SegmentName name) -> isNeeded(name, segments, from);
      case WalFileName.History _ -> true;
      case null -> false;
    };
  }

  private static boolean isNeeded(SegmentName name, WalSegments segments, Lsn from) {
    try {
      return Long.compareUnsigned(name.start(segments), segments.startOf(from.value())) >= 0;
    } catch (IllegalArgumentException e) {
      return false; // Of segments of another size: not of this log.
    }
  }

  @Override
  public void close() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
