package dev.varve.walreceiver.libpq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTest {

  @TempDir private Path directory;
  private ServerSocketChannel listener;
  private UnixSocket socket;
  private SocketChannel other;

  @BeforeEach
  void connect() throws IOException {
    Path file = directory.resolve(".s.PGSQL.5432");
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(file));
    socket = UnixSocket.connect(file);
    other = listener.accept();
  }

  @AfterEach
  void close() throws IOException {
    socket.close();
    other.close();
    listener.close();
  }

  @Test
  void bytesGoBothWaysHoweverMany() throws Exception {
    byte[] sent = new byte[4 << 20];
    Arrays.fill(sent, (byte) 7);
    CompletableFuture<Void> writing =
        CompletableFuture.runAsync(() -> {
          try {
            socket.getOutputStream().write(sent);
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });
    ByteBuffer got = ByteBuffer.allocate(sent.length);
    while (got.hasRemaining()) {
      assertThat(other.read(got)).isPositive();
    }
    writing.get();
    assertThat(got.array()).isEqualTo(sent);
    other.write(ByteBuffer.wrap(new byte[] {1, -1}));
    InputStream in = socket.getInputStream();
    assertThat(in.read()).isEqualTo(1);
    assertThat(in.read()).isEqualTo(255);
    other.close();
    assertThat(in.read()).isEqualTo(-1);
  }

  @Test
  void silenceEndsAReadInTime() throws IOException {
    socket.setSoTimeout(50);
    assertThat(socket.getSoTimeout()).isEqualTo(50);
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(SocketTimeoutException.class);
    other.write(ByteBuffer.wrap(new byte[] {3}));
    assertThat(socket.getInputStream().read()).isEqualTo(3);
  }

  @Test
  void closingEndsAReadThatWaits() throws Exception {
    CompletableFuture<Throwable> ended = new CompletableFuture<>();
    Thread reader =
        Thread.ofVirtual()
            .start(() -> {
              try {
                socket.getInputStream().read();
                ended.completeExceptionally(new AssertionError("nothing was sent"));
              } catch (IOException e) {
                ended.complete(e);
              }
            });
    Thread.sleep(Duration.ofMillis(100));
    socket.close();
    assertThat(ended.get(60, java.util.concurrent.TimeUnit.SECONDS))
        .isInstanceOf(SocketException.class);
    reader.join();
    assertThat(socket.isClosed()).isTrue();
    assertThatThrownBy(() -> socket.getOutputStream().write(1)).isInstanceOf(SocketException.class);
  }
}
