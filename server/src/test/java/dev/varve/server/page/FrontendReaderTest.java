package dev.varve.server.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrontendReaderTest {

  private static final int LARGEST = (64 << 10) - 4;

  /// Gives so many bytes at a time at the most, as a network does.
  private static final class Dripping extends InputStream {
    private final InputStream in;
    private final SplittableRandom random;
    private final int most;

    Dripping(byte[] bytes, int most, long seed) {
      this.in = new ByteArrayInputStream(bytes);
      this.most = most;
      this.random = new SplittableRandom(seed);
    }

    @Override
    public int read() throws IOException {
      return in.read();
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      return in.read(bytes, offset, Math.min(length, 1 + random.nextInt(most)));
    }
  }

  private static byte[] body(int length) {
    byte[] body = new byte[length];
    new SplittableRandom(length).nextBytes(body);
    return body;
  }

  private static FrontendReader reader(byte[] bytes) {
    return new FrontendReader(new ByteArrayInputStream(bytes));
  }

  private static byte[] rest(FrontendReader reader) {
    byte[] bytes = new byte[reader.body().remaining()];
    reader.body().get(bytes);
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 100, 16 << 10, 1 << 20})
  void messagesAreTheSameHoweverTheyArrive(int most) throws IOException {
    int[] lengths = {0, 1, 30, 16_379, 16_380, 1, 40_000, 0, LARGEST, 7, 16_384};
    var bytes = new ByteArrayOutputStream();
    for (int length : lengths) {
      bytes.writeBytes(LibpqClient.message('d', body(length)));
    }
    var reader = new FrontendReader(new Dripping(bytes.toByteArray(), most, most));
    for (int length : lengths) {
      assertThat(reader.read()).isEqualTo('d');
      assertThat(rest(reader)).isEqualTo(body(length));
    }
    assertThat(reader.read()).isEqualTo(-1);
  }

  @Test
  void aTypeIsAnyByte() throws IOException {
    assertThat(reader(LibpqClient.message((char) 0xFF, new byte[0])).read()).isEqualTo(0xFF);
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 3, LARGEST + 5, Integer.MAX_VALUE})
  void aLengthOutOfBoundsIsRefusedBeforeItsBytesAreRead(int length) {
    FrontendReader reader = reader(ByteBuffer.allocate(5).put((byte) 'd').putInt(length).array());
    assertThatThrownBy(reader::read)
        .isInstanceOf(ProtocolException.class)
        .hasMessage("a message of " + length + " bytes");
  }

  @Test
  void anEndInsideAMessageIsNoMessage() {
    byte[] message = LibpqClient.message('Q', body(20));
    for (int length = 1; length < message.length; length++) {
      FrontendReader reader = reader(java.util.Arrays.copyOf(message, length));
      assertThatThrownBy(reader::read).as("%s bytes", length).isInstanceOf(EOFException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, 0, 7, 10_001, Integer.MAX_VALUE})
  void aStartupPacketHasBounds(int length) {
    FrontendReader reader = reader(ByteBuffer.allocate(8).putInt(length).array());
    assertThatThrownBy(reader::readStartup)
        .isInstanceOf(ProtocolException.class)
        .hasMessage("a startup packet of " + length + " bytes");
  }

  @Test
  void aStartupPacketHasParameters() throws IOException {
    byte[] text = "user\0me\0options\0-c x=y\0\0".getBytes(java.nio.charset.StandardCharsets.UTF_8);
    FrontendReader reader =
        reader(
            ByteBuffer.allocate(8 + text.length)
                .putInt(8 + text.length)
                .putInt(3 << 16)
                .put(text)
                .array());
    assertThat(reader.readStartup()).isEqualTo(3 << 16);
    assertThat(reader.startupParameters())
        .containsExactly(
            java.util.Map.entry("user", "me"), java.util.Map.entry("options", "-c x=y"));
  }

  @Test
  void aStringEndsWithinItsMessage() throws IOException {
    var bytes = new ByteArrayOutputStream();
    bytes.writeBytes(LibpqClient.message('Q', new byte[] {'a', 0, 'b'}));
    bytes.writeBytes(LibpqClient.message('Q', new byte[] {'c', 0}));
    FrontendReader reader = reader(bytes.toByteArray());
    assertThat(reader.read()).isEqualTo('Q');
    assertThat(reader.string()).isEqualTo("a");
    assertThatThrownBy(reader::string).isInstanceOf(ProtocolException.class);
    assertThat(reader.hasMore()).isTrue();
    assertThat(reader.read()).isEqualTo('Q');
    assertThat(reader.string()).isEqualTo("c");
    assertThat(reader.hasMore()).isFalse();
  }
}
