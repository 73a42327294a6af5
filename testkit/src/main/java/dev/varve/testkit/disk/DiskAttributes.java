package dev.varve.testkit.disk;

import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;

/// What there is to know of a file or a directory.
record DiskAttributes(DiskNode node, long size) implements BasicFileAttributes {

  @Override
  public FileTime lastModifiedTime() {
    return FileTime.fromMillis(node instanceof DiskContent content ? content.time() : 0);
  }

  @Override
  public FileTime lastAccessTime() {
    return lastModifiedTime();
  }

  @Override
  public FileTime creationTime() {
    return lastModifiedTime();
  }

  @Override
  public boolean isRegularFile() {
    return node instanceof DiskContent;
  }

  @Override
  public boolean isDirectory() {
    return node instanceof DiskNode.Directory;
  }

  @Override
  public boolean isSymbolicLink() {
    return false;
  }

  @Override
  public boolean isOther() {
    return false;
  }

  @Override
  public Object fileKey() {
    return System.identityHashCode(node);
  }
}
