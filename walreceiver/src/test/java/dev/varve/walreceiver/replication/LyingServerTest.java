package dev.varve.walreceiver.replication;

import static dev.varve.walreceiver.libpq.FakeServer.int16;
import static dev.varve.walreceiver.libpq.FakeServer.int32;
import static dev.varve.walreceiver.libpq.FakeServer.int64;
import static dev.varve.walreceiver.libpq.FakeServer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.walreceiver.Preflight;
import dev.varve.walreceiver.libpq.FakeServer;
import dev.varve.walreceiver.libpq.FakeServer.Speech;
import dev.varve.walreceiver.libpq.ProtocolException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whatever the other side says, the client ends with its result or with an IOException, soon, and
/// in bounded memory.
@Timeout(120)
class LyingServerTest {

  private static final Lsn START = Lsn.parse("0/1000000");

  private static final byte[] STREAM =
      new Speech()
          .welcome()
          .row("7000000000000000001", "1", "0/1000060", "")
          .ready()
          .message('W', new byte[] {0}, int16(0))
          .wal(START.value(), new byte[40])
          .message('d', new byte[] {'k'}, int64(START.value() + 40), int64(0), new byte[] {1})
          .wal(START.value() + 40, new byte[100])
          .message('c')
          .row("2", "0/1000100")
          .message('C', text("START_STREAMING"))
          .ready()
          .toBytes();

  private static final byte[] BACKUP =
      new Speech()
          .welcome()
          .row("0/1000028", "1")
          .message('T', int16(3), columns(3))
          .message('D', int16(3), int32(-1), int32(-1), int32(1), new byte[] {'9'})
          .message('C', text("SELECT"))
          .message('H', new byte[] {0}, int16(0))
          .message('d', text("nbase.tar"), text(""))
          .message('d', new byte[] {'d'}, new byte[1000])
          .message('d', new byte[] {'p'}, int64(1000))
          .message('d', new byte[] {'d'}, new byte[24])
          .message('d', new byte[] {'m'})
          .message('d', text("d{}"))
          .message('c')
          .row("0/1000100", "1")
          .message('C', text("BASE_BACKUP"))
          .ready()
          .toBytes();

  private static byte[] columns(int count) {
    byte[] one = new byte[2 + 18];
    one[0] = 'c';
    byte[] all = new byte[count * one.length];
    for (int i = 0; i < count; i++) {
      System.arraycopy(one, 0, all, i * one.length, one.length);
    }
    return all;
  }

  /// What a client makes of the speech, as text.
  private interface Conversation {
    String with(ReplicationClient client) throws IOException;
  }

  private static String stream(ReplicationClient client) throws IOException {
    return stream(client, Duration.ofSeconds(60));
  }

  private static String stream(ReplicationClient client, Duration silence) throws IOException {
    SystemIdentity identity = client.identifySystem();
    var received = new ArrayList<Integer>();
    ReplicationStream stream =
        client.startReplication(Optional.of("slot"), START, 1).orElseThrow(IOException::new);
    Optional<NextTimeline> next =
        stream.run(
            new WalHandler() {
              @Override
              public void wal(long lsn, MemorySegment bytes, long offset, int length) {
                assertThat(bytes.asSlice(offset, length).byteSize()).isEqualTo(length);
                received.add(length);
              }

              @Override
              public void heard(long serverEnd, boolean replyRequested) {}
            },
            silence);
    return identity + " " + received + " " + next;
  }

  private static String backup(ReplicationClient client) throws IOException {
    var parts = new ArrayList<String>();
    BackupResult result =
        client.baseBackup(
            BackupOptions.standard(),
            new BackupHandler() {
              @Override
              public void archive(BackupTablespace tablespace, InputStream tar) throws IOException {
                parts.add(tablespace + " " + tar.readAllBytes().length);
              }

              @Override
              public void manifest(InputStream json) throws IOException {
                parts.add(new String(json.readAllBytes(), StandardCharsets.UTF_8));
              }
            });
    return result + " " + parts;
  }

  private static String talk(byte[] speech, Conversation conversation) throws IOException {
    try (var server = new FakeServer(speech, true);
        var client = ReplicationClient.connect(server.info())) {
      return conversation.with(client);
    }
  }

  @Test
  void theTruthIsUnderstood() throws IOException {
    assertThat(talk(STREAM, LyingServerTest::stream))
        .contains("[40, 100]")
        .contains("NextTimeline[timeline=2, start=0/1000100]");
    assertThat(talk(BACKUP, LyingServerTest::backup)).contains("end=0/1000100", "bytes=1024", "{}");
  }

  /// As it stops, it completes the command without an end of the copy.
  @Test
  void aServerThatShutsDownEndsTheStream() throws IOException {
    byte[] speech =
        new Speech()
            .welcome()
            .row("7000000000000000001", "1", "0/1000060", "")
            .ready()
            .message('W', new byte[] {0}, int16(0))
            .wal(START.value(), new byte[40])
            .message('C', text("COPY 0"))
            .toBytes();
    assertThat(talk(speech, LyingServerTest::stream)).endsWith("[40] Optional.empty");
  }

  @Test
  void everyTruncationIsAnError() {
    for (List<Object> pair :
        List.of(
            List.<Object>of(STREAM, (Conversation) LyingServerTest::stream),
            List.<Object>of(BACKUP, (Conversation) LyingServerTest::backup))) {
      byte[] speech = (byte[]) pair.getFirst();
      for (int length = 0; length < speech.length; length += length < 300 ? 1 : 17) {
        byte[] part = java.util.Arrays.copyOf(speech, length);
        assertThatThrownBy(() -> talk(part, (Conversation) pair.getLast()))
            .as("cut at %d", length)
            .isInstanceOf(IOException.class);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void damageIsAnErrorOrHarmless(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    for (int run = 0; run < 100; run++) {
      boolean streams = random.nextBoolean();
      byte[] speech = (streams ? STREAM : BACKUP).clone();
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        int at = random.nextInt(speech.length);
        speech[at] = random.nextBoolean() ? (byte) random.nextInt() : (byte) (speech[at] ^ 1);
      }
      try {
        assertThat(talk(speech, streams ? LyingServerTest::stream : LyingServerTest::backup))
            .isNotNull();
      } catch (IOException e) {
        assertThat(e).as("seed %d, run %d", seed, run).hasMessageNotContaining("hush");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void noiseIsAnError(long seed) {
    var random = new SplittableRandom(seed);
    for (int run = 0; run < 60; run++) {
      byte[] noise = new byte[random.nextInt(2000)];
      random.nextBytes(noise);
      assertThatThrownBy(() -> talk(noise, LyingServerTest::stream))
          .isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MAX_VALUE, 0x7000_0000, 5 << 20, 3, 0, -1, Integer.MIN_VALUE})
  void aLengthThatCanNotBeIsNotBelieved(int length) {
    byte[] early = new Speech().lying('R', length, new byte[100]).toBytes();
    assertThatThrownBy(() -> talk(early, LyingServerTest::stream))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("the limit is 65536");
    byte[] late = new Speech().welcome().lying('T', length, new byte[100]).toBytes();
    assertThatThrownBy(() -> talk(late, LyingServerTest::stream))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("the limit is 4194304");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 1, 8192})
  void walThatSkipsOrRepeatsIsNotTaken(long off) {
    byte[] speech =
        new Speech()
            .welcome()
            .row("7000000000000000001", "1", "0/1000060", "")
            .ready()
            .message('W', new byte[] {0}, int16(0))
            .wal(START.value(), new byte[40])
            .wal(START.value() + 40 + off, new byte[40])
            .toBytes();
    assertThatThrownBy(() -> talk(speech, LyingServerTest::stream))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("where 0/1000028 should follow");
  }

  /// The commands, each answered with nonsense in every column.
  @ParameterizedTest
  @ValueSource(strings = {"", "x", "0/", "-1", "99999999999999999999", "0/100000000"})
  void aNonsensicalAnswerIsAnError(String nonsense) {
    byte[] speech =
        new Speech().welcome().row(nonsense, nonsense, nonsense, nonsense).ready().toBytes();
    for (Conversation command :
        List.<Conversation>of(
            client -> client.identifySystem().toString(),
            client -> client.readSlot("slot").toString(),
            client -> client.startReplication(Optional.empty(), START, 1).toString(),
            client -> Preflight.check(client).toString(),
            LyingServerTest::backup)) {
      assertThatThrownBy(() -> talk(speech, command)).isInstanceOf(IOException.class);
    }
    byte[] empty = new Speech().welcome().ready().toBytes();
    assertThatThrownBy(() -> talk(empty, client -> client.show("wal_level")))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("no row 0");
  }

  @Test
  void noticesWithoutEndAreAnError() {
    var speech = new Speech();
    for (int i = 0; i < 100_001; i++) {
      speech.message('N', new byte[] {0});
    }
    assertThatThrownBy(() -> talk(speech.toBytes(), LyingServerTest::stream))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("notices without end");
  }

  @Test
  void aSilentServerIsGivenUp() throws IOException {
    try (var server = new FakeServer(new byte[0], false)) {
      assertThatThrownBy(() -> ReplicationClient.connect(server.info()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("silent for 1 s");
    }
    byte[] noWal =
        new Speech()
            .welcome()
            .row("7000000000000000001", "1", "0/1000060", "")
            .ready()
            .message('W', new byte[] {0}, int16(0))
            .toBytes();
    try (var server = new FakeServer(noWal, false);
        var client = ReplicationClient.connect(server.info())) {
      assertThatThrownBy(() -> stream(client, Duration.ofSeconds(1)))
          .hasMessageContaining("silent for 1 s");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "r=%s,s=QSXCR+Q6sek8bf92,i=2000000000",
        "r=%s,s=QSXCR+Q6sek8bf92,i=99999999999999999999",
        "r=%s,s=QSXCR+Q6sek8bf92,i=-1",
        "r=%s,s=QSXCR+Q6sek8bf92",
        "r=other,s=QSXCR+Q6sek8bf92,i=4096",
        "r=,s=,i=",
        "",
        "i=4096",
        "\u0000\u0001,i=4096",
      })
  void aBadScramServerIsRefused(String serverFirst) {
    byte[] speech =
        new Speech()
            .message('R', int32(10), text("SCRAM-SHA-256"), new byte[1])
            .message('R', int32(11), serverFirst.getBytes(StandardCharsets.UTF_8))
            .message('R', int32(12), "v=AAAA".getBytes(StandardCharsets.UTF_8))
            .welcome()
            .toBytes();
    assertThatThrownBy(() -> talk(speech, LyingServerTest::stream))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void aServerThatLeavesItsProofOutIsRefused() {
    for (byte[] speech :
        List.of(
            new Speech()
                .message('R', int32(10), text("SCRAM-SHA-256"), new byte[1])
                .welcome()
                .toBytes(),
            new Speech().message('R', int32(11), text("r=x,s=eA==,i=1")).welcome().toBytes(),
            new Speech().message('R', int32(12), text("v=x")).welcome().toBytes(),
            new Speech().ready().toBytes())) {
      assertThatThrownBy(() -> talk(speech, LyingServerTest::stream))
          .isInstanceOf(ProtocolException.class);
    }
  }

  @Test
  void aServersTextIsPutOnOneLine() {
    byte[] speech =
        new Speech()
            .message(
                'E',
                text("SFATAL"),
                text("VFATAL"),
                text("CXX000"),
                text("M\u001b[31mred\nnext " + "x".repeat(5000)),
                new byte[1])
            .toBytes();
    assertThatThrownBy(() -> talk(speech, LyingServerTest::stream))
        .message()
        .contains("[31mred next")
        .doesNotContain("\u001b", "\n")
        .hasSizeLessThan(1500);
  }
}
