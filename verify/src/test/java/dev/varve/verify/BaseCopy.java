package dev.varve.verify;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;

/// Copies a data directory without its log, of a running server, too.
public final class BaseCopy {

  private BaseCopy() {}

  public static void make(Path data, Path base) throws IOException {
    Files.walkFileTree(
        data,
        EnumSet.of(FileVisitOption.FOLLOW_LINKS), // to tablespaces
        Integer.MAX_VALUE,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path target = base.resolve(data.relativize(file));
            if (!file.startsWith(data.resolve("pg_wal"))) {
              Files.createDirectories(target.getParent());
              Files.write(target, content(file));
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /// Files come and go in a running server: one that has gone is as good as an empty one.
  private static byte[] content(Path file) throws IOException {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return new byte[0];
    }
  }
}
