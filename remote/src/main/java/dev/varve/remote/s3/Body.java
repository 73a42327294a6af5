package dev.varve.remote.s3;

import dev.varve.remote.Content;
import dev.varve.remote.LocalFailure;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.core.sync.RequestBody;

/// What a request sends: a part of a content, read as it is sent, perhaps twice: once for the
/// signature. Nothing of it is held in memory.
///
/// The SDK does not close what it reads from when a request fails, and not always when it does not.
/// A file that stays open keeps its place on the disk when it is deleted, so all that was opened is
/// closed here, when the request has ended. Any thread may read.
final class Body implements AutoCloseable {

  private static final String TYPE = "application/octet-stream";

  private final Content content;
  private final long offset;
  private final long length;

  /// Guarded by itself.
  private final List<InputStream> opened = new ArrayList<>();

  Body(Content content) {
    this(content, 0, content.size());
  }

  Body(Content content, long offset, long length) {
    this.content = content;
    this.offset = offset;
    this.length = length;
  }

  RequestBody forRequest() {
    return RequestBody.fromContentProvider(this::open, length, TYPE);
  }

  private InputStream open() {
    try {
      InputStream input = new LocalInput(content.open(offset, length));
      synchronized (opened) {
        opened.add(input);
      }
      return input;
    } catch (IOException e) {
      throw new UncheckedIOException(new LocalFailure(e));
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (opened) {
      for (InputStream input : opened) {
        input.close();
      }
      opened.clear();
    }
  }

  /// Marks what reading it fails with.
  private static final class LocalInput extends FilterInputStream {

    LocalInput(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      var one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      try {
        return in.read(target, offset, length);
      } catch (ClosedByInterruptException e) {
        throw e;
      } catch (IOException e) {
        throw new LocalFailure(e);
      }
    }
  }
}
