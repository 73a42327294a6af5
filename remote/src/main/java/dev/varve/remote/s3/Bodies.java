package dev.varve.remote.s3;

import dev.varve.remote.Content;
import dev.varve.remote.LocalFailure;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.Base64;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.core.sync.RequestBody;

/// What requests are made of.
final class Bodies {

  private static final String TYPE = "application/octet-stream";

  private Bodies() {}

  static RequestBody of(Content content) {
    return of(content, 0, content.size());
  }

  /// Read as it is sent, perhaps twice: once for the signature. Nothing of it is held in memory.
  static RequestBody of(Content content, long offset, long length) {
    return RequestBody.fromContentProvider(
        () -> {
          try {
            return new LocalInput(content.open(offset, length));
          } catch (IOException e) {
            throw new UncheckedIOException(new LocalFailure(e));
          }
        },
        length,
        TYPE);
  }

  static AwsRequestOverrideConfiguration within(Duration limit) {
    return AwsRequestOverrideConfiguration.builder()
        .apiCallTimeout(limit)
        .apiCallAttemptTimeout(limit)
        .build();
  }

  /// As the header wants it.
  static String base64(int crc) {
    return Base64.getEncoder().encodeToString(ByteBuffer.allocate(4).putInt(crc).array());
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
