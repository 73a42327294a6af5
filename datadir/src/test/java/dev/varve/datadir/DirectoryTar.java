package dev.varve.datadir;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/// A tar of a stopped server's data directory, as `tar` makes it.
public final class DirectoryTar {

  private DirectoryTar() {}

  public static void write(Path directory, Path tar) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(tar));
        var entries = new TarArchiveOutputStream(out);
        Stream<Path> files = Files.walk(directory)) {
      entries.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      entries.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
      for (Path file : files.toList()) {
        add(directory, file, entries);
      }
    }
    addTablespaces(directory, tar.getParent());
  }

  private static void addTablespaces(Path directory, Path target) throws IOException {
    List<Path> links;
    try (Stream<Path> files = Files.list(directory.resolve("pg_tblspc"))) {
      links = files.filter(Files::isSymbolicLink).toList();
    }
    for (Path link : links) {
      Path root = link.toRealPath();
      try (OutputStream out = Files.newOutputStream(target.resolve(link.getFileName() + ".tar"));
          var entries = new TarArchiveOutputStream(out);
          Stream<Path> files = Files.walk(root)) {
        for (Path file : files.toList()) {
          add(root, file, entries);
        }
      }
    }
  }

  private static void add(Path root, Path file, TarArchiveOutputStream entries) throws IOException {
    String name = root.relativize(file).toString();
    if (Files.isSymbolicLink(file)) {
      var link = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
      link.setLinkName(Files.readSymbolicLink(file).toString());
      entries.putArchiveEntry(link);
      entries.closeArchiveEntry();
    } else if (Files.isRegularFile(file)) {
      entries.putArchiveEntry(new TarArchiveEntry(file, name));
      Files.copy(file, entries);
      entries.closeArchiveEntry();
    }
  }
}
