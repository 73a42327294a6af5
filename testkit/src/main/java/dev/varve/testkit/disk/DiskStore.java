package dev.varve.testkit.disk;

import java.nio.file.FileStore;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import org.jspecify.annotations.Nullable;

/// How full a {@link SimulatedDisk} is.
final class DiskStore extends FileStore {

  private final SimulatedDisk disk;

  DiskStore(SimulatedDisk disk) {
    this.disk = disk;
  }

  @Override
  public String name() {
    return "simulated";
  }

  @Override
  public String type() {
    return "simulated";
  }

  @Override
  public boolean isReadOnly() {
    return false;
  }

  @Override
  public long getTotalSpace() {
    return disk.capacity();
  }

  @Override
  public long getUsableSpace() {
    return Math.max(0, disk.capacity() - disk.used());
  }

  @Override
  public long getUnallocatedSpace() {
    return getUsableSpace();
  }

  @Override
  public boolean supportsFileAttributeView(Class<? extends FileAttributeView> type) {
    return type == BasicFileAttributeView.class;
  }

  @Override
  public boolean supportsFileAttributeView(String name) {
    return name.equals("basic");
  }

  @Override
  public <V extends FileStoreAttributeView> @Nullable V getFileStoreAttributeView(Class<V> type) {
    return null;
  }

  @Override
  public Object getAttribute(String attribute) {
    throw new UnsupportedOperationException();
  }
}
