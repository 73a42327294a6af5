package dev.varve.testkit.disk;

import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A path on a {@link SimulatedDisk}.
record DiskPath(DiskFileSystem disk, boolean absolute, List<String> names) implements Path {

  DiskPath {
    names = List.copyOf(names);
  }

  static DiskPath parse(DiskFileSystem disk, String text) {
    List<String> names = new ArrayList<>(List.of(text.split("/")));
    names.removeIf(String::isEmpty);
    return new DiskPath(disk, text.startsWith("/"), names);
  }

  String name() {
    return names.getLast();
  }

  DiskPath requireParent() {
    DiskPath parent = getParent();
    if (parent == null) {
      throw new IllegalArgumentException(this + " has no parent");
    }
    return parent;
  }

  @Override
  public FileSystem getFileSystem() {
    return disk;
  }

  @Override
  public boolean isAbsolute() {
    return absolute;
  }

  @Override
  public @Nullable Path getRoot() {
    return absolute ? new DiskPath(disk, true, List.of()) : null;
  }

  @Override
  public @Nullable Path getFileName() {
    return names.isEmpty() ? null : new DiskPath(disk, false, List.of(name()));
  }

  @Override
  public @Nullable DiskPath getParent() {
    if (names.isEmpty() || (names.size() == 1 && !absolute)) {
      return null;
    }
    return new DiskPath(disk, absolute, names.subList(0, names.size() - 1));
  }

  @Override
  public int getNameCount() {
    return names.size();
  }

  @Override
  public Path getName(int index) {
    return new DiskPath(disk, false, List.of(names.get(index)));
  }

  @Override
  public Path subpath(int begin, int end) {
    return new DiskPath(disk, false, names.subList(begin, end));
  }

  @Override
  public boolean startsWith(Path other) {
    return other instanceof DiskPath that
        && absolute == that.absolute
        && that.names.size() <= names.size()
        && names.subList(0, that.names.size()).equals(that.names);
  }

  @Override
  public boolean endsWith(Path other) {
    return other instanceof DiskPath that
        && that.names.size() <= names.size()
        && names.subList(names.size() - that.names.size(), names.size()).equals(that.names);
  }

  @Override
  public Path normalize() {
    List<String> left = new ArrayList<>();
    for (String name : names) {
      if (name.equals("..") && !left.isEmpty()) {
        left.removeLast();
      } else if (!name.equals(".")) {
        left.add(name);
      }
    }
    return new DiskPath(disk, absolute, left);
  }

  @Override
  public Path resolve(Path other) {
    if (other.isAbsolute()) {
      return other;
    }
    List<String> all = new ArrayList<>(names);
    all.addAll(((DiskPath) other).names);
    return new DiskPath(disk, absolute, all);
  }

  @Override
  public Path relativize(Path other) {
    DiskPath that = (DiskPath) other;
    if (!that.startsWith(this)) {
      throw new IllegalArgumentException(other + " is not below " + this);
    }
    return new DiskPath(disk, false, that.names.subList(names.size(), that.names.size()));
  }

  @Override
  public URI toUri() {
    return URI.create("simulated:" + toAbsolutePath());
  }

  @Override
  public Path toAbsolutePath() {
    return absolute ? this : new DiskPath(disk, true, names);
  }

  @Override
  public Path toRealPath(LinkOption... options) {
    return toAbsolutePath().normalize();
  }

  @Override
  public WatchKey register(
      WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int compareTo(Path other) {
    return toString().compareTo(other.toString());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof DiskPath that
        && disk == that.disk
        && absolute == that.absolute
        && names.equals(that.names);
  }

  @Override
  public int hashCode() {
    return names.hashCode();
  }

  @Override
  public String toString() {
    return (absolute ? "/" : "") + String.join("/", names);
  }
}
