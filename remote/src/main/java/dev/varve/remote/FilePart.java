package dev.varve.remote;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/// Some bytes of a file. If the file ends before they do, that is an error, not their end.
final class FilePart extends InputStream {

  private final Path file;
  private final FileChannel channel;
  private long position;
  private final long end;

  FilePart(Path file, long offset, long length) throws IOException {
    this.file = file;
    channel = FileChannel.open(file);
    position = offset;
    end = offset + length;
  }

  @Override
  public int read() throws IOException {
    var one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (position == end) {
      return -1;
    }
    int most = (int) Math.min(length, end - position);
    int count = channel.read(ByteBuffer.wrap(target, offset, most), position);
    if (count < 0) {
      throw new EOFException(
          file + " ends at " + position + ", though it had " + end + " bytes or more");
    }
    position += count;
    return count;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
