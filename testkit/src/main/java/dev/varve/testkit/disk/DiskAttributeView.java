package dev.varve.testkit.disk;

import java.io.IOException;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import org.jspecify.annotations.Nullable;

/// What can be changed of what there is to know of a file: when it was written. That is no change
/// of the disk that could fail, or that a crash could lose.
record DiskAttributeView(SimulatedDisk disk, DiskPath path) implements BasicFileAttributeView {

  @Override
  public String name() {
    return "basic";
  }

  @Override
  public BasicFileAttributes readAttributes() throws IOException {
    return disk.attributes(path);
  }

  @Override
  public void setTimes(
      @Nullable FileTime modified, @Nullable FileTime accessed, @Nullable FileTime created)
      throws IOException {
    if (modified != null) {
      disk.setTime(path, modified.toMillis());
    }
  }
}
