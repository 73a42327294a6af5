package dev.varve.testkit.disk;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What {@link java.nio.file.Files} asks of a {@link SimulatedDisk}.
final class DiskProvider extends FileSystemProvider {

  private final SimulatedDisk disk;

  DiskProvider(SimulatedDisk disk) {
    this.disk = disk;
  }

  @Override
  public String getScheme() {
    return "simulated";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Path getPath(URI uri) {
    throw new UnsupportedOperationException();
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return newFileChannel(path, options, attributes);
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    DiskPath at = (DiskPath) path.toAbsolutePath().normalize();
    synchronized (disk) {
      DiskNode node = disk.find(at);
      boolean create = options.contains(StandardOpenOption.CREATE);
      boolean createNew = options.contains(StandardOpenOption.CREATE_NEW);
      if (node != null && createNew) {
        throw new FileAlreadyExistsException(at.toString());
      }
      if (node == null) {
        if (!create && !createNew) {
          throw new NoSuchFileException(at.toString());
        }
        node = disk.createFile(at);
      }
      boolean writes = options.contains(StandardOpenOption.WRITE);
      var channel = new DiskChannel(disk, node, writes);
      if (options.contains(StandardOpenOption.TRUNCATE_EXISTING) && channel.size() > 0) {
        channel.truncate(0);
      }
      return channel;
    }
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path directory, DirectoryStream.Filter<? super Path> filter) throws IOException {
    DiskPath at = (DiskPath) directory.toAbsolutePath().normalize();
    List<Path> children = new ArrayList<>();
    synchronized (disk) {
      for (String name : disk.requireDirectory(at).now.keySet()) {
        Path child = directory.resolve(name);
        if (filter.accept(child)) {
          children.add(child);
        }
      }
    }
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        return children.iterator();
      }

      @Override
      public void close() {}
    };
  }

  private static DiskPath plain(Path path) {
    return (DiskPath) path.toAbsolutePath().normalize();
  }

  @Override
  public void createDirectory(Path directory, FileAttribute<?>... attributes) throws IOException {
    disk.createDirectory(plain(directory));
  }

  @Override
  public void delete(Path path) throws IOException {
    disk.delete(plain(path));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    disk.rename(plain(source), plain(target));
  }

  @Override
  public boolean isSameFile(Path path, Path other) {
    return plain(path).equals(plain(other));
  }

  @Override
  public boolean isHidden(Path path) {
    return false;
  }

  @Override
  public FileStore getFileStore(Path path) {
    return new DiskStore(disk);
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    disk.require(plain(path));
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return type == BasicFileAttributeView.class
        ? type.cast(new DiskAttributeView(disk, plain(path)))
        : null;
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    return type.cast(disk.attributes(plain(path)));
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String names, LinkOption... options) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void setAttribute(Path path, String name, Object value, LinkOption... options) {
    throw new UnsupportedOperationException();
  }
}
