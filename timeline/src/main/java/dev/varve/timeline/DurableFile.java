package dev.varve.timeline;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/// Writes that survive a crash: a file is either as it was or as it should be.
final class DurableFile {

  /// What the name of every file and directory ends with that is not complete yet.
  static final String TEMPORARY = ".___temp";

  private DurableFile() {}

  /// Writes a file that was not there, and syncs it. Its name is durable only when its directory is
  /// {@linkplain #syncDirectory synced}.
  static void write(Path file, byte[] content) throws IOException {
    try (FileChannel channel = FileChannel.open(file, CREATE, WRITE, TRUNCATE_EXISTING)) {
      ByteBuffer left = ByteBuffer.wrap(content);
      while (left.hasRemaining()) {
        channel.write(left);
      }
      channel.force(true);
    }
  }

  /// Puts a file in the place of the one that has its name: writes it under another name, syncs it,
  /// renames it, syncs the directory.
  static void replace(Path file, byte[] content) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + TEMPORARY);
    write(temporary, content);
    Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    syncDirectory(file.resolveSibling(".").normalize());
  }

  /// Makes the names in a directory durable.
  static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, READ)) {
      channel.force(true);
    }
  }

  /// Makes a directory and those above it that are missing, durably.
  static void createDirectories(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      return;
    }
    Path parent = directory.toAbsolutePath().getParent();
    if (parent != null) {
      createDirectories(parent);
    }
    if (!Files.isDirectory(directory)) {
      Files.createDirectory(directory);
    }
    if (parent != null) {
      syncDirectory(parent);
    }
  }
}
