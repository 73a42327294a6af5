package dev.varve.cluster;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/// The layout of an archive of binaries: a jar that holds one `postgres-linux-*.txz`, a tar of
/// files, directories and links packed with xz.
final class BinaryArchive {

  private static final int OWNER_EXECUTES = 0100;

  private BinaryArchive() {}

  /// Unpacks the programs; every directory and file becomes readable to all.
  static void unpack(Path jar, Path target) throws IOException {
    try (var zip = new ZipFile(jar.toFile())) {
      ZipEntry packed =
          zip.stream()
              .filter(entry -> entry.getName().endsWith(".txz"))
              .findFirst()
              .orElseThrow(() -> new IOException("no .txz in " + jar));
      try (InputStream raw = zip.getInputStream(packed);
          var xz = new XZInputStream(new BufferedInputStream(raw, 1 << 16));
          var tar = new TarArchiveInputStream(xz)) {
        for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
          unpack(e, tar, target);
        }
      }
    }
  }

  private static void unpack(TarArchiveEntry entry, InputStream bytes, Path target)
      throws IOException {
    Path path = inside(target, target.resolve(entry.getName()), entry);
    if (entry.isDirectory()) {
      makeDirectories(path, target);
      return;
    }
    makeParent(path, target);
    if (entry.isSymbolicLink()) {
      inside(target, path.resolveSibling(entry.getLinkName()), entry);
      Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
    } else if (entry.isLink()) {
      Files.createLink(path, inside(target, target.resolve(entry.getLinkName()), entry));
    } else {
      Files.copy(bytes, path);
      boolean executable = (entry.getMode() & OWNER_EXECUTES) != 0;
      Files.setPosixFilePermissions(
          path, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
    }
  }

  private static Path inside(Path target, Path path, TarArchiveEntry entry) throws IOException {
    Path normal = path.normalize();
    if (!normal.startsWith(target)) {
      throw new IOException("the archive's entry " + entry.getName() + " leads out of it");
    }
    return normal;
  }

  /// Not by the umask, which may hide the programs from the user that runs them.
  private static void makeDirectories(Path path, Path target) throws IOException {
    if (path.equals(target) || Files.isDirectory(path)) {
      return;
    }
    makeParent(path, target);
    Files.createDirectory(path);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void makeParent(Path path, Path target) throws IOException {
    Path parent = path.getParent();
    if (parent != null) {
      makeDirectories(parent, target);
    }
  }
}
