package dev.varve.server.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.postgres.page.PageMask;
import dev.varve.server.ServedCluster;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The requests of a page stream, byte by byte, against a followed server.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PageStreamTest {

  private static final int PAGE_SIZE = 8192;
  private static final int DEFAULT = 1663;
  private static final int ABSENT = 4_000_000;

  private ServedCluster served;
  private int database;
  private int table;

  @BeforeAll
  void serve() throws Exception {
    served = new ServedCluster();
    database = served.database();
    table = served.fileNode("t");
    served.caughtUp();
  }

  @AfterAll
  void stop() throws IOException {
    served.close();
  }

  private LibpqClient stream(int version) throws IOException {
    return LibpqClient.stream(
        served.server.pageAddress(),
        "pagestream_v" + version + " " + served.tenant() + " " + served.timeline());
  }

  private Ask newest(int version) {
    return new Ask(version, 0x0102_0304_0506_0708L, Ask.NEWEST, 8);
  }

  private Path file(String suffix) {
    return served.cluster.dataDirectory().resolve("base/" + database + "/" + table + suffix);
  }

  /// The result behind the repeated request; fails when that is not what was sent.
  private static byte[] result(Ask ask, int tag, byte[] request, ByteBuffer answer) {
    byte[] echo = new byte[ask.echo(tag, request).length];
    answer.get(echo);
    assertThat(echo).isEqualTo(ask.echo(tag, request));
    byte[] rest = new byte[answer.remaining()];
    answer.get(rest);
    return rest;
  }

  private static byte[] bytes(ByteBuffer answer) {
    byte[] bytes = new byte[answer.limit()];
    answer.get(0, bytes);
    return bytes;
  }

  private static String error(Ask ask, byte[] request, ByteBuffer answer) {
    byte[] bytes = bytes(answer);
    int header = ask.errorEcho(request).length;
    assertThat(Arrays.copyOf(bytes, header)).isEqualTo(ask.errorEcho(request));
    assertThat(bytes[bytes.length - 1]).isZero();
    String text = new String(bytes, header, bytes.length - 1 - header, StandardCharsets.UTF_8);
    assertThat(text).isNotEmpty().doesNotContain("\0");
    return text;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void pagesAreThoseOfTheServersFiles(int version) throws IOException {
    byte[] file = Files.readAllBytes(file(""));
    assertThat(file.length).isGreaterThan(PAGE_SIZE);
    try (var client = stream(version)) {
      for (int block = 0; block < file.length / PAGE_SIZE; block++) {
        byte[] request = newest(version).page(DEFAULT, database, table, 0, block);
        byte[] page = result(newest(version), 102, request, client.ask(request));
        assertThat(page).hasSize(PAGE_SIZE);
        byte[] expected = Arrays.copyOfRange(file, block * PAGE_SIZE, (block + 1) * PAGE_SIZE);
        PageMask.byLooks(MemorySegment.ofArray(page), block);
        PageMask.byLooks(MemorySegment.ofArray(expected), block);
        assertThat(page).as("block %s", block).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"2, ''", "3, ''", "2, _fsm", "3, _vm"})
  void sizesAreThoseOfTheServersFiles(int version, String suffix) throws IOException {
    int fork = suffix.isEmpty() ? 0 : suffix.equals("_fsm") ? 1 : 2;
    try (var client = stream(version)) {
      byte[] request = newest(version).blocks(DEFAULT, database, table, fork);
      byte[] result = result(newest(version), 101, request, client.ask(request));
      assertThat(result).hasSize(4);
      assertThat(ByteBuffer.wrap(result).getInt())
          .isEqualTo((int) (Files.size(file(suffix)) / PAGE_SIZE));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, t, 0, 1",
    "3, t, 0, 1",
    "2, t, 2, 1",
    "3, t, 3, 0",
    "2, absent, 0, 0",
    "3, absent, 0, 0"
  })
  void existsIsOneByte(int version, String relation, int fork, int expected) throws IOException {
    try (var client = stream(version)) {
      int file = relation.equals("t") ? table : ABSENT;
      byte[] request = newest(version).exists(DEFAULT, database, file, fork);
      assertThat(result(newest(version), 100, request, client.ask(request)))
          .containsExactly(expected);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void existsIsFalseInAnUnknownDatabase(int version) throws IOException {
    try (var client = stream(version)) {
      byte[] request = newest(version).exists(DEFAULT, ABSENT, table, 0);
      assertThat(result(newest(version), 100, request, client.ask(request))).containsExactly(0);
    }
  }

  /// A database that nobody writes to: a server extends its files by more than it logs.
  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void theSizeOfADatabaseIsThatOfItsRelations(int version) throws Exception {
    served.cluster.execute("create database quiet" + version);
    served.caughtUp();
    int quiet =
        Integer.parseInt(
            served.cluster.query(
                "select oid from pg_database where datname = 'quiet" + version + "'"));
    long files = 0;
    try (var list = Files.list(served.cluster.dataDirectory().resolve("base/" + quiet))) {
      for (Path path : list.toList()) {
        if (path.getFileName().toString().matches("[0-9]+(_[a-z]+)?")) {
          files += Files.size(path);
        }
      }
    }
    try (var client = stream(version)) {
      byte[] request = newest(version).databaseSize(quiet);
      byte[] result = result(newest(version), 104, request, client.ask(request));
      assertThat(result).hasSize(8);
      assertThat(ByteBuffer.wrap(result).getLong()).isEqualTo(files);
      request = newest(version).databaseSize(ABSENT);
      result = result(newest(version), 104, request, client.ask(request));
      assertThat(ByteBuffer.wrap(result).getLong()).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, 0, pg_xact",
    "3, 0, pg_xact",
    "2, 1, pg_multixact/members",
    "3, 2, pg_multixact/offsets"
  })
  void slruSegmentsAreThoseOfTheServer(int version, int kind, String folder) throws Exception {
    served.caughtUp(); // with what other tests have committed
    byte[] file = Files.readAllBytes(served.cluster.dataDirectory().resolve(folder + "/0000"));
    try (var client = stream(version)) {
      byte[] request = newest(version).slruSegment(kind, 0);
      byte[] result = result(newest(version), 105, request, client.ask(request));
      int pages = ByteBuffer.wrap(result).getInt();
      assertThat(pages).isEqualTo(file.length / PAGE_SIZE);
      assertThat(result).hasSize(4 + pages * PAGE_SIZE);
      assertThat(Arrays.copyOfRange(result, 4, result.length)).isEqualTo(file);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void aPagePastTheEndIsZero(int version) throws IOException {
    try (var client = stream(version)) {
      byte[] request = newest(version).page(DEFAULT, database, table, 0, 1_000_000);
      assertThat(result(newest(version), 102, request, client.ask(request)))
          .isEqualTo(new byte[PAGE_SIZE]);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void aMapThatIsNotThereHasNoBlocks(int version) throws IOException {
    try (var client = stream(version)) {
      byte[] request = newest(version).blocks(DEFAULT, database, ABSENT, 1);
      assertThat(result(newest(version), 101, request, client.ask(request)))
          .containsExactly(0, 0, 0, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void whatCannotBeReadIsAnErrorAndTheStreamGoesOn(int version) throws IOException {
    Ask ask = newest(version);
    try (var client = stream(version)) {
      expect(client, ask, ask.blocks(DEFAULT, database, ABSENT, 0), "there is no relation");
      expect(client, ask, ask.page(DEFAULT, database, ABSENT, 0, 0), "there is no relation");
      expect(client, ask, ask.page(DEFAULT, database, 0, 0, 0), "relation 0 does not exist");
      expect(client, ask, ask.page(DEFAULT, database, table, 4, 0), "no fork 4");
      expect(client, ask, ask.exists(DEFAULT, database, table, 255), "no fork 255");
      expect(client, ask, ask.slruSegment(3, 0), "no SLRU of kind 3");
      expect(client, ask, ask.slruSegment(0, 77), "there is no segment 004D of pg_xact");
      expect(client, ask, ask.slruSegment(0, -1), "there is no segment");
      byte[] request = ask.exists(DEFAULT, database, table, 0);
      assertThat(result(ask, 100, request, client.ask(request))).containsExactly(1);
    }
  }

  private static void expect(LibpqClient client, Ask ask, byte[] request, String finding)
      throws IOException {
    assertThat(error(ask, request, client.ask(request))).contains(finding);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void lsnsThatMakeNoSenseAreErrors(int version) throws IOException {
    long last = lastRecord();
    try (var client = stream(version)) {
      Ask ask = newest(version).at(last - 8, last);
      expect(client, ask, ask.exists(DEFAULT, database, table, 0), "is before its not-modified");
      ask = newest(version).at(0, 0);
      expect(client, ask, ask.exists(DEFAULT, database, table, 0), "invalid LSN(0) in request");
      ask = newest(version).at(8, 8);
      expect(client, ask, ask.page(DEFAULT, database, table, 0, 0), "0/8");
      // Unsigned: an LSN of the upper half is after one of the lower.
      ask = newest(version).at(last, Long.MIN_VALUE);
      expect(client, ask, ask.exists(DEFAULT, database, table, 0), "is before its not-modified");
    }
  }

  private long lastRecord() {
    return Lsn.parse(served.get(served.path()).json().path("last_record_lsn").asString()).value();
  }

  @Test
  void theFarFutureIsThePresentUnlessItWasModifiedSince() throws IOException {
    try (var client = stream(3)) {
      Ask ask = newest(3).at(lastRecord() + (1L << 40), 8);
      byte[] request = ask.exists(DEFAULT, database, table, 0);
      assertThat(result(ask, 100, request, client.ask(request))).containsExactly(1);
    }
  }

  @Test
  void aPageAsOfThePastIsTheOldOne() throws Exception {
    served.cluster.execute(
        "create table past (v text)", "insert into past values ('before')", "checkpoint");
    Lsn before = served.caughtUp();
    int file = served.fileNode("past");
    served.cluster.execute("insert into past values ('later')");
    Lsn after = served.caughtUp();
    try (var client = stream(2)) {
      for (long lsn : new long[] {before.value(), after.value(), Ask.NEWEST}) {
        Ask ask = newest(2).at(lsn, 8);
        byte[] request = ask.page(DEFAULT, database, file, 0, 0);
        String page =
            new String(result(ask, 102, request, client.ask(request)), StandardCharsets.ISO_8859_1);
        assertThat(page).contains("before");
        assertThat(page.contains("later")).isEqualTo(lsn != before.value());
      }
    }
  }

  @Test
  void aPageThatIsModifiedLaterIsWaitedFor() throws Exception {
    served.cluster.execute("create table waited (v text)");
    long future = served.caughtUp().value() + (1 << 20);
    int file = served.fileNode("waited");
    try (var client = stream(3)) {
      Ask ask = newest(3).at(Ask.NEWEST, future);
      byte[] request = ask.page(DEFAULT, database, file, 0, 0);
      var answer =
          CompletableFuture.supplyAsync(() -> {
            try {
              return client.ask(request);
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      // Meanwhile the server writes past that LSN, and other clients are served.
      try (var other = stream(2)) {
        byte[] exists = newest(2).exists(DEFAULT, database, file, 0);
        assertThat(result(newest(2), 100, exists, other.ask(exists))).containsExactly(1);
      }
      assertThat(answer).isNotDone();
      served.cluster.execute(
          "insert into waited values ('arrived')",
          "create table filler as select i, repeat('x', 200) from generate_series(1, 8000) i",
          "checkpoint");
      byte[] page =
          result(ask, 102, request, answer.get(120, java.util.concurrent.TimeUnit.SECONDS));
      assertThat(new String(page, StandardCharsets.ISO_8859_1)).contains("arrived");
    }
  }

  @Test
  void manyRequestsAtOnceAreAnsweredInTheirOrder() throws IOException {
    int count = 2000;
    var random = new SplittableRandom(7);
    int blocks = (int) (Files.size(file("")) / PAGE_SIZE);
    byte[][] requests = new byte[count][];
    for (int i = 0; i < count; i++) {
      Ask ask = newest(3).withId(i);
      requests[i] =
          i % 5 == 0
              ? ask.blocks(DEFAULT, database, i % 2 == 0 ? table : ABSENT, 0)
              : ask.page(DEFAULT, database, table, 0, random.nextInt(blocks));
    }
    try (var client = stream(3)) {
      var writer =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  for (byte[] request : requests) {
                    client.send('d', request);
                  }
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      for (int i = 0; i < count; i++) {
        ByteBuffer answer = client.answer();
        int tag = answer.get(0);
        assertThat(tag).isEqualTo(i % 5 != 0 ? 102 : i % 2 == 0 ? 101 : 103);
        assertThat(answer.getLong(1)).isEqualTo(i);
        if (tag == 102) {
          assertThat(Arrays.copyOf(bytes(answer), requests[i].length))
              .isEqualTo(newest(3).echo(102, requests[i]));
        }
      }
      writer.join();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Test
  void requestsInOnePacketAreAnsweredTogether() throws IOException {
    byte[] request = newest(2).exists(DEFAULT, database, table, 0);
    byte[] message = LibpqClient.message('d', request);
    ByteBuffer packet = ByteBuffer.allocate(100 * message.length);
    for (int i = 0; i < 100; i++) {
      packet.put(message);
    }
    try (var client = stream(2)) {
      client.raw(packet.array());
      for (int i = 0; i < 100; i++) {
        assertThat(bytes(client.answer())).containsExactly(100, 1);
      }
    }
  }

  @Test
  void bytesBehindARequestAreIgnored() throws IOException {
    byte[] request = newest(2).exists(DEFAULT, database, table, 0);
    try (var client = stream(2)) {
      assertThat(bytes(client.ask(Arrays.copyOf(request, request.length + 100))))
          .containsExactly(100, 1);
    }
  }
}
