package dev.varve.testkit.disk;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/// An open file of a {@link SimulatedDisk}, or a directory that is opened to be synced.
final class DiskChannel extends FileChannel {

  private final SimulatedDisk disk;
  private final DiskNode node;
  private final boolean writes;
  private long position;

  DiskChannel(SimulatedDisk disk, DiskNode node, boolean writes) {
    this.disk = disk;
    this.node = node;
    this.writes = writes;
  }

  private DiskContent content() throws IOException {
    if (disk.isDead()) {
      throw new SimulatedDisk.Died();
    }
    if (node instanceof DiskContent content) {
      return content;
    }
    throw new IOException("is a directory");
  }

  @Override
  public int read(ByteBuffer target) throws IOException {
    int count = read(target, position);
    position += Math.max(0, count);
    return count;
  }

  @Override
  public int read(ByteBuffer target, long from) throws IOException {
    synchronized (disk) {
      DiskContent content = content();
      disk.reading();
      return content.read(from, target, disk.mostBytes());
    }
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) throws IOException {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      int count = read(targets[i]);
      if (count < 0) {
        return sum == 0 ? -1 : sum;
      }
      sum += count;
    }
    return sum;
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    int count = write(source, position);
    position += count;
    return count;
  }

  @Override
  public int write(ByteBuffer source, long to) throws IOException {
    synchronized (disk) {
      DiskContent content = content();
      if (!writes) {
        throw new NonWritableChannelException();
      }
      int count = Math.min(source.remaining(), disk.mostBytes());
      try {
        disk.operation("write");
        disk.requireRoom(to + count - content.size());
      } catch (SimulatedDisk.Died e) {
        throw e;
      } catch (IOException e) {
        content.write(to, source, count / 2);
        throw e;
      }
      content.write(to, source, count);
      content.setTime(disk.clock().millis());
      return count;
    }
  }

  @Override
  public long write(ByteBuffer[] sources, int offset, int length) throws IOException {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      sum += write(sources[i]);
    }
    return sum;
  }

  @Override
  public long position() {
    return position;
  }

  @Override
  public FileChannel position(long newPosition) {
    position = newPosition;
    return this;
  }

  @Override
  public long size() throws IOException {
    synchronized (disk) {
      return content().size();
    }
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    synchronized (disk) {
      DiskContent content = content();
      disk.operation("truncate");
      content.truncate(size);
      return this;
    }
  }

  @Override
  public void force(boolean metaData) throws IOException {
    synchronized (disk) {
      try {
        disk.operation(SimulatedDisk.SYNC);
      } catch (SimulatedDisk.Died e) {
        throw e;
      } catch (IOException e) {
        if (node instanceof DiskContent file) {
          file.loseUnsynced();
        }
        throw e;
      }
      switch (node) {
        case DiskContent file -> file.sync();
        case DiskNode.Directory directory -> directory.sync();
      }
    }
  }

  @Override
  public long transferTo(long from, long count, WritableByteChannel target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long to, long count) {
    throw new UnsupportedOperationException();
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long from, long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock lock(long from, long size, boolean shared) {
    return tryLock(from, size, shared);
  }

  /// Always granted: a disk has one process.
  @Override
  public FileLock tryLock(long from, long size, boolean shared) {
    return new FileLock(this, from, size, shared) {
      @Override
      public boolean isValid() {
        return isOpen();
      }

      @Override
      public void release() {}
    };
  }

  @Override
  protected void implCloseChannel() {}
}
