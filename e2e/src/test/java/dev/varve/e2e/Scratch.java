package dev.varve.e2e;

import dev.varve.cluster.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/// A folder that is deleted in the end. The user that PostgreSQL runs as can get through it, which
/// JUnit's own folders forbid. `-Dkeep=true` keeps it, for whoever looks into a failure.
record Scratch(Path path) implements AutoCloseable {

  static Scratch make() throws IOException {
    Path folder = Files.createTempDirectory("varve-e2e-");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    return new Scratch(folder);
  }

  Path of(String name) {
    return path.resolve(name);
  }

  @Override
  public void close() throws IOException {
    if (Boolean.getBoolean("keep")) {
      System.out.println("kept: " + path);
      return;
    }
    Trees.delete(path);
  }
}
