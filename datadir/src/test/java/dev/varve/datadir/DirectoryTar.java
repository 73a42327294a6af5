package dev.varve.datadir;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/// A tar of a data directory, and one of each tablespace beside it.
///
/// The server may run, when it knows that it is being copied: files may change and go meanwhile,
/// and the control file comes last.
public final class DirectoryTar {

  private static final String CONTROL = "global/pg_control";

  private DirectoryTar() {}

  /// A copy of a stopped server.
  public static void write(Path directory, Path tar) throws IOException {
    write(directory, tar, () -> List.of());
  }

  /// @param last gives more files of the data directory, once all but the control file are copied
  public static void write(Path directory, Path tar, Last last) throws IOException {
    for (Path link : links(directory.resolve("pg_tblspc"))) {
      try (var entries = open(tar.resolveSibling(link.getFileName() + ".tar"))) {
        copyAll(link.toRealPath(), entries);
      } catch (NoSuchFileException e) {
        // It was dropped.
      }
    }
    try (var entries = open(tar)) {
      copyAll(directory, entries);
      copy(directory, directory.resolve(CONTROL), entries);
      for (Extra extra : last.files()) {
        put(extra.name(), extra.contents().getBytes(StandardCharsets.UTF_8), entries);
      }
    }
  }

  /// A file that is not in the directory.
  public record Extra(String name, String contents) {}

  /// What ends a copy of a running server.
  public interface Last {
    List<Extra> files() throws IOException;
  }

  private static TarArchiveOutputStream open(Path tar) throws IOException {
    OutputStream file = Files.newOutputStream(tar);
    OutputStream out =
        tar.toString().endsWith(".gz")
            ? new GZIPOutputStream(file)
            : new BufferedOutputStream(file);
    var entries = new TarArchiveOutputStream(out);
    entries.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
    entries.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
    return entries;
  }

  private static List<Path> links(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isSymbolicLink).toList();
    }
  }

  private static void copyAll(Path root, TarArchiveOutputStream entries) throws IOException {
    List<Path> folders = new ArrayList<>(List.of(root));
    while (!folders.isEmpty()) {
      List<Path> files;
      try (Stream<Path> inside = Files.list(folders.removeLast())) {
        files = inside.toList();
      } catch (NoSuchFileException e) {
        continue; // A database was dropped.
      }
      for (Path file : files) {
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
          folders.add(file);
        } else if (!file.endsWith(CONTROL)) {
          copy(root, file, entries);
        }
      }
    }
  }

  private static void copy(Path root, Path file, TarArchiveOutputStream entries)
      throws IOException {
    String name = root.relativize(file).toString();
    try {
      if (Files.isSymbolicLink(file)) {
        var link = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
        link.setLinkName(Files.readSymbolicLink(file).toString());
        entries.putArchiveEntry(link);
        entries.closeArchiveEntry();
      } else if (Files.isRegularFile(file)) {
        put(name, Files.readAllBytes(file), entries);
      }
    } catch (NoSuchFileException e) {
      // It was dropped.
    }
  }

  private static void put(String name, byte[] contents, TarArchiveOutputStream entries)
      throws IOException {
    var entry = new TarArchiveEntry(name);
    entry.setSize(contents.length);
    entries.putArchiveEntry(entry);
    entries.write(contents);
    entries.closeArchiveEntry();
  }
}
