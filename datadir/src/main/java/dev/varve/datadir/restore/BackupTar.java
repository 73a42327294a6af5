package dev.varve.datadir.restore;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.HashSet;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/// A tar of a data directory being written: directories have mode 0700, files 0600. Only {@link
/// #finish()} writes the two blocks of zeroes at the end, by which a reader knows that nothing is
/// missing.
final class BackupTar {

  private static final int DIRECTORY_MODE = 040700;
  private static final int FILE_MODE = 0100600;

  private final TarArchiveOutputStream tar;
  private final Date time;
  private final Set<String> directories = new HashSet<>();

  BackupTar(OutputStream out, Instant time) {
    this.tar = new TarArchiveOutputStream(out, StandardCharsets.UTF_8.name());
    this.tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
    this.tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
    this.time = Date.from(time);
  }

  /// Adds a directory and those above it, unless they are there.
  void directory(String path) throws IOException {
    if (!directories.add(path)) {
      return;
    }
    int slash = path.lastIndexOf('/');
    if (slash > 0) {
      directory(path.substring(0, slash));
    }
    var entry = new TarArchiveEntry(path + "/");
    entry.setMode(DIRECTORY_MODE);
    put(entry);
    tar.closeArchiveEntry();
  }

  void file(String path, byte[] contents) throws IOException {
    file(path, contents.length, out -> out.write(contents));
  }

  /// What writes the contents of a file, whose size is known before.
  interface Contents {
    void write(OutputStream out) throws IOException;
  }

  void file(String path, long size, Contents contents) throws IOException {
    begin(path, size);
    contents.write(tar);
    end();
  }

  /// Begins a file; its bytes and its end follow.
  void begin(String path, long size) throws IOException {
    var entry = new TarArchiveEntry(path);
    entry.setMode(FILE_MODE);
    entry.setSize(size);
    put(entry);
  }

  void write(byte[] bytes, int from, int length) throws IOException {
    tar.write(bytes, from, length);
  }

  /// @throws IOException when the file has not got all of its bytes
  void end() throws IOException {
    tar.closeArchiveEntry();
  }

  private void put(TarArchiveEntry entry) throws IOException {
    entry.setModTime(time);
    tar.putArchiveEntry(entry);
  }

  void finish() throws IOException {
    tar.finish();
    tar.flush();
  }
}
