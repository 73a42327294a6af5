package dev.varve.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/// Unpacks the tar of a data directory, durably, or leaves nothing.
///
/// Directories get mode 0700 and files 0600, as PostgreSQL wants them. A tablespace stands in the
/// tar as a folder `pg_tblspc/OID`; here it becomes a folder of `DIR.tablespaces` and a symbolic
/// link to it, because PostgreSQL's own backups pass over a tablespace that is no link.
final class DirectoryExtraction {

  private static final Pattern TABLESPACE = Pattern.compile("pg_tblspc/([0-9]+)(/.*)?");
  private static final int BLOCK = 512;
  private static final int SYNCED_AT_ONCE = 16;

  private final Path target;
  private final Path tablespaces;
  private final LongConsumer progress;
  private final List<Path> directories = new ArrayList<>();
  private final List<Path> writtenFiles = new ArrayList<>();
  private final byte[] buffer = new byte[1 << 18];
  private long written;

  private DirectoryExtraction(Path target, LongConsumer progress) {
    this.target = target.toAbsolutePath().normalize();
    this.tablespaces = this.target.resolveSibling(this.target.getFileName() + ".tablespaces");
    this.progress = progress;
  }

  /// @return the bytes of the files
  /// @throws IOException when it could not be done; the target is as it was then
  static long extract(InputStream tar, Path target, LongConsumer progress) throws IOException {
    boolean existed = Files.exists(target);
    var extraction = new DirectoryExtraction(target, progress);
    if (Files.exists(extraction.tablespaces)) {
      throw new CliException(
          extraction.tablespaces + " is in the way: tablespaces would go there; move it");
    }
    try {
      extraction.extract(tar);
      return extraction.written;
    } catch (IOException | RuntimeException e) {
      extraction.remove(existed, e);
      throw e;
    }
  }

  private void extract(InputStream in) throws IOException {
    directory(target);
    var ending = new TarEnding(in);
    try (var tar = new TarArchiveInputStream(ending)) {
      TarArchiveEntry entry;
      while ((entry = tar.getNextEntry()) != null) {
        write(entry, tar);
        ending.entryEnded();
      }
      ending.drain();
    }
    ending.requireComplete();
    syncFiles();
    for (Path directory : directories.reversed()) {
      sync(directory);
    }
    Path parent = target.getParent();
    if (parent != null) {
      sync(parent);
    }
  }

  private void write(TarArchiveEntry entry, InputStream content) throws IOException {
    Path path = place(entry.getName());
    if (entry.isDirectory()) {
      directory(path);
    } else if (entry.getLinkFlag() == TarConstants.LF_NORMAL) {
      directory(path.getParent());
      file(path, content);
    } else {
      throw new IOException("the backup has an entry that is no file: " + entry.getName());
    }
  }

  /// Where an entry belongs; links of tablespaces are made on the way.
  private Path place(String name) throws IOException {
    Matcher tablespace = TABLESPACE.matcher(name);
    Path root = target;
    String rest = name;
    if (tablespace.matches()) {
      root = tablespaces.resolve(tablespace.group(1));
      rest = tablespace.group(2) == null ? "" : tablespace.group(2).substring(1);
      Path link = target.resolve("pg_tblspc").resolve(tablespace.group(1));
      if (!Files.isSymbolicLink(link)) {
        directory(root);
        directory(link.getParent());
        Files.createSymbolicLink(link, root);
      }
    }
    Path path = root.resolve(rest).normalize();
    if (!path.startsWith(root)) {
      throw new IOException("the backup has an entry outside the directory: " + name);
    }
    return path;
  }

  private void directory(@org.jspecify.annotations.Nullable Path path) throws IOException {
    if (path == null || Files.isDirectory(path)) {
      return;
    }
    directory(path.getParent());
    Files.createDirectory(
        path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    if (path.equals(tablespaces)) {
      // PostgreSQL's user, who shall own the tablespaces, must get through the folder they are in.
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx--x--x"));
    }
    directories.add(path);
  }

  private void file(Path path, InputStream content) throws IOException {
    Files.createFile(
        path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try (OutputStream out = Files.newOutputStream(path, StandardOpenOption.WRITE)) {
      int read;
      while ((read = content.read(buffer)) >= 0) {
        out.write(buffer, 0, read);
        written += read;
        progress.accept(written);
      }
    }
    writtenFiles.add(path);
  }

  /// Many at a time: a disk makes them durable together, in hardly more time than one.
  private void syncFiles() throws IOException {
    try (var threads = Executors.newFixedThreadPool(SYNCED_AT_ONCE)) {
      List<Callable<Path>> syncs = new ArrayList<>();
      for (Path file : writtenFiles) {
        syncs.add(() -> {
          sync(file);
          return file;
        });
      }
      for (Future<Path> synced : threads.invokeAll(syncs)) {
        synced.get();
      }
    } catch (ExecutionException e) {
      throw new IOException("the files could not be made durable: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private void remove(boolean keepRoot, Exception because) {
    try {
      delete(tablespaces);
      if (keepRoot) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(target)) {
          for (Path file : files) {
            delete(file);
          }
        }
      } else {
        delete(target);
      }
      for (Path directory : directories.reversed()) {
        if (target.startsWith(directory) && !target.equals(directory)) {
          Files.deleteIfExists(directory); // A parent that was made on the way.
        }
      }
    } catch (IOException e) {
      because.addSuppressed(e);
    }
  }

  private static void delete(Path path) throws IOException {
    if (Files.isDirectory(path, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
        for (Path file : files) {
          delete(file);
        }
      }
    }
    Files.deleteIfExists(path);
  }

  /// Sees whether a tar ended with its two blocks of zeroes; one that broke off does not. Zeroes at
  /// the end of the last file are none of them.
  private static final class TarEnding extends java.io.FilterInputStream {

    private long count;
    private long nonZeroEnd;
    private long entryEnd;

    TarEnding(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int read = super.read(bytes, offset, length);
      int last = read - 1;
      while (last >= 0 && bytes[offset + last] == 0) {
        last--;
      }
      if (last >= 0) {
        nonZeroEnd = count + last + 1;
      }
      count += Math.max(read, 0);
      return read;
    }

    @Override
    public long skip(long bytes) throws IOException {
      // What is passed over counts, too.
      byte[] some = new byte[(int) Math.min(Math.max(bytes, 0), BLOCK)];
      return Math.max(0, read(some, 0, some.length));
    }

    /// An entry has been read to its end, up to which its last block is filled.
    void entryEnded() {
      entryEnd = Math.ceilDiv(count, BLOCK) * (long) BLOCK;
    }

    void drain() throws IOException {
      byte[] rest = new byte[BLOCK];
      while (read(rest, 0, rest.length) >= 0) {
        // What follows the end is padding.
      }
    }

    void requireComplete() throws IOException {
      if (nonZeroEnd > entryEnd || count - entryEnd < 2 * BLOCK) {
        throw new IOException(
            "the server stopped in the middle of the backup; its log says why. Nothing was kept");
      }
    }
  }
}
