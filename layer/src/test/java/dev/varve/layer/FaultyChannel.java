package dev.varve.layer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/// A real file whose n-th call fails, and that moves at most so many bytes a call.
final class FaultyChannel extends FileChannel {

  private final FileChannel file;
  private final int failing;
  private final int most;
  private int calls;

  FaultyChannel(FileChannel file, int failing, int most) {
    this.file = file;
    this.failing = failing;
    this.most = most;
  }

  boolean failed() {
    return calls > failing;
  }

  int calls() {
    return calls;
  }

  private void call() throws IOException {
    if (calls++ == failing) {
      throw new IOException("injected at call " + failing);
    }
  }

  private interface Transfer {
    int of(ByteBuffer part) throws IOException;
  }

  private int limited(ByteBuffer buffer, Transfer transfer) throws IOException {
    int limit = buffer.limit();
    buffer.limit(buffer.position() + Math.min(most, buffer.remaining()));
    try {
      int count = transfer.of(buffer);
      call(); // after it took effect
      return count;
    } finally {
      buffer.limit(limit);
    }
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    return limited(target, part -> file.read(part, position));
  }

  @Override
  public int write(ByteBuffer source) throws IOException {
    return limited(source, file::write);
  }

  @Override
  public long size() throws IOException {
    call();
    return file.size();
  }

  @Override
  public void force(boolean metaData) throws IOException {
    call();
    file.force(metaData);
  }

  @Override
  protected void implCloseChannel() throws IOException {
    file.close();
    call();
  }

  @Override
  public int read(ByteBuffer target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long read(ByteBuffer[] targets, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long write(ByteBuffer[] sources, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public int write(ByteBuffer source, long position) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long position() {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel position(long newPosition) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileChannel truncate(long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long position, long count) {
    throw new UnsupportedOperationException();
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) {
    throw new UnsupportedOperationException();
  }
}
