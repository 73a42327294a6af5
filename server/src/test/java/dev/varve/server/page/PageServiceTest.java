package dev.varve.server.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.server.ServedCluster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Connections, commands and nonsense. After each test the service must serve as before.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PageServiceTest {

  private static final int PROTOCOL = 3 << 16;
  private static final int BLOCK = 512;

  private ServedCluster served;

  @BeforeAll
  void serve() throws Exception {
    served = new ServedCluster();
  }

  @AfterAll
  void stop() throws IOException {
    served.close();
  }

  @AfterEach
  void theServiceLives() throws IOException {
    try (var client = ready()) {
      client.query("set x to 1");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("CZ");
    }
  }

  private LibpqClient bare() throws IOException {
    return new LibpqClient(served.server.pageAddress());
  }

  private LibpqClient ready() throws IOException {
    return LibpqClient.ready(served.server.pageAddress());
  }

  private String names() {
    return served.tenant() + " " + served.timeline();
  }

  @Test
  void greetsAsTheServersThatClientsKnow() throws IOException {
    try (var client = bare()) {
      client.startup(PROTOCOL, "user\0u\0\0");
      List<LibpqClient.Message> greeting = client.until('Z');
      assertThat(greeting.stream().map(m -> m.type() + " " + m.text()))
          .containsExactly(
              "R ",
              "S client_encoding UTF8",
              "S integer_datetimes on",
              "S server_version 14.1",
              "Z I");
      assertThat(greeting.getFirst().body()).isEqualTo(new byte[4]);
    }
  }

  @Test
  void declinesEncryptionAndGoesOn() throws IOException {
    try (var client = bare()) {
      client.startup(FrontendReader.SSL_REQUEST, "");
      assertThat(client.readByte()).isEqualTo('N');
      client.startup(FrontendReader.GSSENC_REQUEST, "");
      assertThat(client.readByte()).isEqualTo('N');
      client.startup(PROTOCOL, "user\0u\0\0");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("RSSSZ");
    }
  }

  @Test
  void aCancelRequestIsAnsweredByTheEnd() throws IOException {
    try (var client = bare()) {
      client.startup(FrontendReader.CANCEL_REQUEST, "12345678");
      assertThat(client.rest()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 7, 10_001, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void aStartupPacketOfAnImpossibleLengthIsAnError(int length) throws IOException {
    try (var client = bare()) {
      client.raw(ByteBuffer.allocate(8).putInt(length).putInt(PROTOCOL).array());
      expectEnd(client, "a startup packet of " + length + " bytes");
    }
  }

  @ParameterizedTest
  @CsvSource({"Q, -1", "Q, 3", "d, 1048577", "Q, 2147483647", "P, -2147483648"})
  void aMessageOfAnImpossibleLengthIsAnError(char type, int length) throws IOException {
    try (var client = ready()) {
      client.raw(ByteBuffer.allocate(5).put((byte) type).putInt(length).array());
      expectEnd(client, "a message of " + length + " bytes");
    }
  }

  private static void expectEnd(LibpqClient client, String finding) {
    List<LibpqClient.Message> rest = client.rest();
    assertThat(LibpqClient.types(rest)).isEqualTo("E");
    assertThat(rest.getFirst().text()).contains("FATAL", "08P01", finding);
  }

  @ParameterizedTest
  @ValueSource(chars = {'d', 'c', 'f', 'p', '?', 0})
  void aMessageOutOfPlaceIsAnError(char type) throws IOException {
    try (var client = ready()) {
      client.send(type, "x\0");
      expectEnd(client, "an unexpected message of type");
    }
  }

  @Test
  void aQueryWithoutItsEndIsAnError() throws IOException {
    try (var client = ready()) {
      client.send('Q', "set x");
      expectEnd(client, "a string without its end");
    }
  }

  @Test
  void garbageEndsOnlyItsOwnConnection() throws IOException {
    var random = new SplittableRandom(11);
    for (int i = 0; i < 200; i++) {
      byte[] garbage = new byte[1 + random.nextInt(300)];
      random.nextBytes(garbage);
      var address = served.server.pageAddress();
      try (var socket = new Socket(address.getAddress(), address.getPort())) {
        socket.getOutputStream().write(garbage);
      }
      try (var client = ready()) {
        client.raw(garbage);
      }
    }
  }

  @Test
  void aClientMayVanishAnywhere() throws IOException {
    byte[] message =
        LibpqClient.message(
            'Q', ("pagestream_v2 " + names() + "\0").getBytes(StandardCharsets.UTF_8));
    for (int length = 0; length < message.length; length += 7) {
      try (var client = ready()) {
        client.raw(Arrays.copyOf(message, length));
      }
    }
  }

  /// As drivers run a command: describe it first, then run it.
  @Test
  void theExtendedProtocolReachesCommands() throws IOException {
    try (var client = ready()) {
      client.send('P', "\0set x to 1\0\0\0");
      client.send('D', "S\0");
      client.send('S', "");
      List<LibpqClient.Message> described = client.until('Z');
      assertThat(LibpqClient.types(described)).isEqualTo("1tnZ");
      assertThat(described.get(1).body()).isEqualTo(new byte[2]);
      client.send('B', "\0\0\0\0\0\0\0\0");
      client.send('E', "\0\0\0\0\0");
      client.send('S', "");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("2CZ");
      client.send('C', "S\0");
      client.send('S', "");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("3Z");
    }
  }

  @Test
  void theExtendedProtocolReachesPageStreamsAndErrors() throws IOException {
    try (var client = ready()) {
      client.send('P', "\0pagestream_v2 " + names() + "\0\0\0");
      client.send('B', "\0\0\0\0\0\0\0\0");
      client.send('E', "\0\0\0\0\0");
      assertThat(LibpqClient.types(client.until('W'))).isEqualTo("12W");
      client.send('c', "");
      client.send('S', "");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("cCZ");
      client.send('P', "\0nonsense\0\0\0");
      client.send('B', "\0\0\0\0\0\0\0\0");
      client.send('E', "\0\0\0\0\0");
      client.send('S', "");
      List<LibpqClient.Message> refused = client.until('Z');
      assertThat(LibpqClient.types(refused)).isEqualTo("12EZ");
      assertThat(refused.get(2).text()).contains("unknown command \"nonsense\"");
    }
  }

  @Test
  void aStatementWithParametersIsAnError() throws IOException {
    try (var client = ready()) {
      client.send('P', "\0set x to $1\0\0\1\0\0\0\0");
      expectEnd(client, "a statement with parameters");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | unknown command",
        "select 1 | unknown command \"select\"; the page service has pagestream_v2",
        "pagestream_v1 T L | unknown command \"pagestream_v1\"",
        "pagestream_v2 | takes a tenant id and a timeline id",
        "pagestream_v3 T | takes a tenant id and a timeline id",
        "pagestream_v3 T L x | takes a tenant id and a timeline id",
        "pagestream_v2 xyz L | \"xyz\" is not a tenant id; one has 32 hex digits",
        "pagestream_v2 T xyz | \"xyz\" is not a timeline id",
        "pagestream_v2 T 00000000000000000000000000000001 | has no timeline 0000",
        "pagestream_v3 00000000000000000000000000000001 L | tenant"
            + " 00000000000000000000000000000001",
        "fullbackup T | fullbackup takes",
        "fullbackup T L 0/0 0/0 0/0 | fullbackup takes",
        "fullbackup T L wrong | \"wrong\" is not an LSN; an LSN looks like 0/16B3748",
        "fullbackup T L 0/8 | 0/8",
      })
  void whatACommandCannotDoIsAnErrorAndTheConnectionGoesOn(String command, String finding)
      throws IOException {
    String text =
        command.replace(" T", " " + served.tenant()).replace(" L", " " + served.timeline());
    try (var client = ready()) {
      client.query(text);
      List<LibpqClient.Message> answer = client.until('Z');
      assertThat(answer.stream().filter(m -> m.type() == 'E').findFirst().orElseThrow().text())
          .contains("SERROR")
          .contains(finding);
      assertThat(LibpqClient.types(answer)).isEqualTo("EZ");
      client.query("set x to 1");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("CZ");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"PAGESTREAM_V2", "  pagestream_v3 "})
  void commandsMayBeInCapitalsAndSpaced(String word) throws IOException {
    try (var client = ready()) {
      client.query(word + "  " + names() + "  ");
      assertThat(client.read().type()).isEqualTo('W');
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFullBackupIsATarThatEndsProperly(boolean extended) throws Exception {
    String lsn = served.caughtUp().toString();
    byte[] tar;
    try (var client = ready()) {
      if (extended) {
        client.send('P', "\0fullbackup " + names() + "\0\0\0");
        client.send('D', "S\0");
        client.send('S', "");
        client.until('Z');
        client.send('B', "\0\0\0\0\0\0\0\0");
        client.send('E', "\0\0\0\0\0");
        client.send('S', "");
        assertThat(client.read().type()).isEqualTo('2');
      } else {
        client.query("fullbackup " + names() + " " + lsn);
      }
      List<LibpqClient.Message> answer = client.until('Z');
      assertThat(LibpqClient.types(answer)).matches("Hd+cCZ");
      tar = LibpqClient.copied(answer);
    }
    var names = new ByteArrayOutputStream();
    int position = 0;
    while (tar[position] != 0) {
      String size = new String(tar, position + 124, 11, StandardCharsets.US_ASCII);
      names.write(tar, position, 100);
      position += BLOCK + (Integer.parseInt(size.strip(), 8) + BLOCK - 1) / BLOCK * BLOCK;
    }
    assertThat(names.toString(StandardCharsets.US_ASCII))
        .contains("global/pg_control", "PG_VERSION", "base/5/", "pg_xact/0000", "pg_wal/");
    assertThat(tar.length % BLOCK).isZero();
    assertThat(tar.length - position).isGreaterThanOrEqualTo(2 * BLOCK);
    for (int i = position; i < tar.length; i++) {
      assertThat(tar[i]).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 5", "2, 99", "2, 255", "3, 5", "3, 105"})
  void anUnknownRequestEndsTheConnection(int version, int tag) throws IOException {
    byte[] request = new Ask(version, 1, Ask.NEWEST, 8).page(1663, 5, 1259, 0, 0);
    request[0] = (byte) tag;
    expectStreamsEnd(version, LibpqClient.message('d', request), "unknown page stream request");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 9, 17, 25, 38, 41})
  void aShortRequestEndsTheConnection(int length) throws IOException {
    byte[] request = new Ask(3, 1, Ask.NEWEST, 8).page(1663, 5, 1259, 0, 0);
    expectStreamsEnd(3, LibpqClient.message('d', Arrays.copyOf(request, length)), "too short");
  }

  @ParameterizedTest
  @ValueSource(chars = {'Q', 'S', 'B', '?'})
  void anotherMessageWithinAStreamEndsTheConnection(char type) throws IOException {
    expectStreamsEnd(2, LibpqClient.message(type, new byte[] {0}), "within a page stream");
  }

  private LibpqClient stream(int version) throws IOException {
    return LibpqClient.stream(
        served.server.pageAddress(), "pagestream_v" + version + " " + names());
  }

  private void expectStreamsEnd(int version, byte[] message, String finding) throws IOException {
    try (var client = stream(version)) {
      client.raw(message);
      expectEnd(client, finding);
    }
  }

  @Test
  void aStreamThatIsDoneLeavesTheConnectionReady() throws IOException {
    try (var client = stream(2)) {
      client.send('c', "");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("cCZ");
      client.query("set x to 1");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("CZ");
    }
  }

  @Test
  void aClientThatGivesUpGetsAnErrorAndMayGoOn() throws IOException {
    try (var client = stream(2)) {
      client.send('f', "had enough\0");
      var answer = client.until('Z');
      assertThat(answer.getFirst().text()).contains("had enough");
      client.query("set x to 1");
      assertThat(LibpqClient.types(client.until('Z'))).isEqualTo("CZ");
    }
  }

  @Test
  void terminateEndsTheConnection() throws IOException {
    try (var client = stream(2)) {
      client.send('X', "");
      assertThat(client.rest()).isEmpty();
    }
  }
}
