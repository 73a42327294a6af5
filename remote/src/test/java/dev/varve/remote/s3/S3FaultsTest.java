package dev.varve.remote.s3;

import static dev.varve.remote.s3.S3Server.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.remote.ByteRange;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreAddress;
import dev.varve.remote.StoreException;
import dev.varve.remote.Urgency;
import dev.varve.remote.s3.FaultyProxy.Fault;
import dev.varve.task.Backoff;
import dev.varve.task.RealThreads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.MultipartUpload;

/// What the network and the server may do, one after the other, to a real client and a real server.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(180)
class S3FaultsTest {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final ObjectName NAME = new ObjectName("layers/one");
  private static final S3Settings SETTINGS = S3Server.settings(Duration.ofSeconds(20));

  /// For tests in which something stalls: on a slow machine all may seem to.
  private static final S3Settings HASTY = S3Server.settings(Duration.ofSeconds(2));

  private S3Server server;
  private FaultyProxy proxy;
  private StoreAddress.S3 address;
  private S3Store store;
  private S3Store direct;
  private int tests;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    server = new S3Server(directory);
    try (S3Store patient = // for the classes to be loaded
        S3Store.open(
            server.address("first/"),
            S3Settings.DEFAULT,
            InstantSource.system(),
            S3Server.credentials())) {
      patient.put(NAME, Content.of(new byte[1]), PutCondition.ALWAYS, Duration.ofMinutes(1));
    }
  }

  @AfterAll
  void stop() throws Exception {
    server.close();
  }

  @BeforeEach
  void open() throws Exception {
    proxy = new FaultyProxy(server.port());
    String prefix = "test-" + tests++ + "/";
    address = S3Server.address(prefix, proxy.port());
    store = open(address);
    direct = open(server.address(prefix));
  }

  private static S3Store open(StoreAddress.S3 address) throws StoreException {
    return open(address, SETTINGS);
  }

  private static S3Store open(StoreAddress.S3 address, S3Settings settings) throws StoreException {
    return S3Store.open(address, settings, InstantSource.system(), S3Server.credentials());
  }

  @AfterEach
  void close() throws Exception {
    store.close();
    direct.close();
    proxy.close();
  }

  private ObjectState put(byte[] bytes) throws IOException, InterruptedException {
    return store.put(NAME, Content.of(bytes), PutCondition.ALWAYS, LIMIT);
  }

  private static byte[] get(S3Store from, int size) throws IOException, InterruptedException {
    ByteBuffer target = ByteBuffer.allocate(size);
    from.get(NAME, ByteRange.WHOLE, Sink.to(target), LIMIT);
    return target.array();
  }

  private void requireAbsent() {
    assertThatThrownBy(() -> direct.head(NAME, LIMIT)).isInstanceOf(StoreException.NotFound.class);
  }

  @Test
  void aConnectionThatBreaksBeforeTheServerActs() {
    proxy.next(new Fault.Before());
    assertThatThrownBy(() -> put(random(1000)))
        .isInstanceOf(StoreException.Unavailable.class)
        .hasMessageContainingAll("s3://varve-test/", "put of layers/one failed");
    assertThat(proxy.requests()).as("no attempts but ours").isEqualTo(1);
    requireAbsent();
  }

  @Test
  void anAnswerThatIsLostLeavesTheObjectThere() throws Exception {
    proxy.next(new Fault.After());
    assertThatThrownBy(() -> put(random(1000))).isInstanceOf(StoreException.Unavailable.class);
    assertThat(proxy.requests()).isEqualTo(1);
    assertThat(get(direct, 1000)).isEqualTo(random(1000));
  }

  /// The same as above, of a connection that was used before: clients like to send again then.
  @Test
  void aConnectionThatBreaksWhenUsedAgainIsNotUsedTwiceForOneRequest() throws Exception {
    put(random(10));
    proxy.next(new Fault.After());
    assertThatThrownBy(() -> put(random(1000))).isInstanceOf(StoreException.Unavailable.class);
    assertThat(proxy.requests()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"0, 1000", "1, 1000", "999, 1000", "70000, 200000"})
  void anAnswerThatIsCutIsNotTakenForWhole(int at, int size) throws Exception {
    put(random(size));
    proxy.next(new Fault.Cut(at));
    assertThatThrownBy(() -> get(store, size))
        .isInstanceOf(StoreException.Unavailable.class)
        .hasMessageContainingAll("get of layers/one failed");
    assertThat(get(store, size)).isEqualTo(random(size));
  }

  @ParameterizedTest
  @CsvSource({"0, 1000", "500, 1000", "70000, 200000"})
  void anAnswerThatStallsEndsAtTheLimit(int at, int size) throws Exception {
    put(random(size));
    proxy.next(new Fault.Stall(at));
    Instant start = Instant.now();
    try (S3Store hasty = open(address, HASTY)) {
      assertThatThrownBy(() -> get(hasty, size)).isInstanceOf(StoreException.Unavailable.class);
    }
    assertThat(Duration.between(start, Instant.now())).isLessThan(SETTINGS.stallLimit());
    assertThat(get(store, size)).isEqualTo(random(size));
  }

  @Test
  void anAttemptEndsAtItsOwnLimit() throws Exception {
    put(random(1000));
    proxy.next(new Fault.Stall(0));
    Instant start = Instant.now();
    var limit = Duration.ofMillis(100);
    assertThatThrownBy(
            () -> store.get(NAME, ByteRange.WHOLE, Sink.to(ByteBuffer.allocate(1000)), limit))
        .isInstanceOf(StoreException.Unavailable.class);
    assertThat(Duration.between(start, Instant.now())).isLessThan(SETTINGS.stallLimit());
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void bitsThatFlipOnTheWayHereAreNoticed() throws Exception {
    put(random(100_000));
    proxy.next(new Fault.FlipAnswer(50_000));
    assertThatThrownBy(() -> get(store, 100_000))
        .isInstanceOf(StoreException.Damaged.class)
        .hasMessageContainingAll("other bytes of layers/one", "CRC-32C");
  }

  @Test
  void bitsThatFlipOnTheWayThereAreNoticed() {
    proxy.next(new Fault.FlipRequest(500));
    assertThatThrownBy(() -> put(random(1000)))
        .isInstanceOfAny(StoreException.Damaged.class, StoreException.Refused.class);
    requireAbsent();
  }

  @ParameterizedTest
  @CsvSource({
    "503, SlowDown, Throttled, SlowDown",
    "429, TooManyRequests, Throttled, 429",
    "503, ServiceUnavailable, Unavailable, 503",
    "500, InternalError, Unavailable, InternalError",
    "409, ConditionalRequestConflict, Unavailable, 409",
    "400, RequestTimeout, Unavailable, RequestTimeout",
    "403, AccessDenied, Refused, the credentials need s3:PutObject on this bucket",
    "403, SignatureDoesNotMatch, Refused, check the credentials",
    "400, ExpiredToken, Refused, renew them",
    "301, PermanentRedirect, Refused, another region",
    "400, AuthorizationHeaderMalformed, Refused, ?region=",
    "404, NoSuchBucket, Refused, create the bucket",
    "501, NotImplemented, Refused, this server lacks something",
    "412, PreconditionFailed, PreconditionFailed, its condition did not hold",
    "400, BadDigest, Damaged, BadDigest",
  })
  void whatTheServerSaysHasItsKind(int status, String code, String kind, String says) {
    proxy.next(new Fault.Answer(status, code));
    assertThatThrownBy(() -> put(random(10)))
        .hasMessageContaining(says)
        .satisfies(e -> assertThat(e.getClass().getSimpleName()).isEqualTo(kind));
    assertThat(proxy.requests()).isEqualTo(1);
  }

  @Test
  void anInterruptEndsWhatStalls() throws Exception {
    put(random(1000));
    proxy.next(new Fault.Stall(10));
    var end = new CompletableFuture<Throwable>();
    Thread reader =
        Thread.ofVirtual()
            .start(() -> {
              try {
                get(store, 1000);
                end.complete(new AssertionError("it ended well"));
              } catch (IOException | InterruptedException e) {
                end.complete(e);
              }
            });
    while (proxy.ordered() > 0) {
      Thread.sleep(10);
    }
    Thread.sleep(50);
    reader.interrupt();
    assertThat(end.get()).isInstanceOf(InterruptedException.class);
  }

  @Test
  void aServerThatIsNotThereIsUnavailable() throws Exception {
    proxy.close();
    assertThatThrownBy(() -> put(random(10)))
        .isInstanceOf(StoreException.Unavailable.class)
        .hasMessageContaining("http://127.0.0.1:" + proxy.port());
  }

  @Test
  void aBucketThatIsNotThereIsSaid() throws Exception {
    var wrong = new StoreAddress.S3("no-such-bucket", "", address.endpoint(), "us-east-1", true);
    try (S3Store other = open(wrong)) {
      assertThatThrownBy(() -> other.put(NAME, Content.of(new byte[1]), PutCondition.ALWAYS, LIMIT))
          .isInstanceOf(StoreException.Refused.class)
          .hasMessageContainingAll("s3://no-such-bucket/", "create the bucket");
    }
  }

  @Test
  void whatTheServerSaysMayStallToo() throws Exception {
    var wrong = new StoreAddress.S3("no-such-bucket", "", address.endpoint(), "us-east-1", true);
    proxy.next(new Fault.Stall(20));
    try (S3Store other = open(wrong, HASTY)) {
      assertThatThrownBy(() -> other.put(NAME, Content.of(new byte[1]), PutCondition.ALWAYS, LIMIT))
          .isInstanceOf(StoreException.Unavailable.class);
    }
  }

  @Test
  void withoutCredentialsItSaysWhereTheyAreLookedFor() throws Exception {
    try (S3Store other =
        S3Store.open(
            address,
            SETTINGS,
            InstantSource.system(),
            () -> {
              throw new NoCredentials(SdkClientException.create("none found"));
            })) {
      assertThatThrownBy(() -> other.head(NAME, LIMIT))
          .isInstanceOf(StoreException.Refused.class)
          .hasMessageContainingAll("AWS_ACCESS_KEY_ID", "none found");
    }
  }

  @Test
  void onePartThatFailsIsSentAgain() throws Exception {
    byte[] bytes = random(22_000_000);
    proxy.next("partNumber=2", new Fault.After());
    proxy.next("partNumber=3", new Fault.Answer(503, "SlowDown"));
    proxy.next("partNumber=5", new Fault.FlipRequest(1000));
    proxy.next("?uploads", new Fault.Before());
    ObjectState put = put(bytes);
    assertThat(proxy.ordered()).isZero();
    assertThat(get(direct, bytes.length)).isEqualTo(bytes);
    assertThat(direct.head(NAME, LIMIT).etag()).isEqualTo(put.etag());
  }

  @Test
  void aLargeObjectThatFailsLeavesNoParts() throws Exception {
    for (int i = 0; i < 20; i++) {
      proxy.next("partNumber=2", new Fault.Answer(500, "InternalError"));
    }
    assertThatThrownBy(() -> put(random(12_000_000)))
        .isInstanceOf(StoreException.Unavailable.class);
    requireAbsent();
    assertThat(uploads()).isEmpty();
  }

  private List<MultipartUpload> uploads() throws StoreException {
    try (S3Client client = S3Clients.open(server.address(""), SETTINGS, S3Server.credentials())) {
      return client
          .listMultipartUploads(request -> request.bucket(S3Server.BUCKET).prefix(address.prefix()))
          .uploads();
    }
  }

  /// The first answer would have said the upload's id.
  @Test
  void anUploadOfWhichNobodyKnowsIsFound() throws Exception {
    proxy.next("?uploads", new Fault.After());
    put(random(6_000_000));
    assertThat(uploads()).hasSize(1);
    assertThat(store.removeAbandoned(Instant.now().minusSeconds(3600), LIMIT)).isZero();
    assertThat(store.removeAbandoned(Instant.now().plusSeconds(3600), LIMIT)).isEqualTo(1);
    assertThat(uploads()).isEmpty();
    assertThat(get(direct, 6_000_000)).isEqualTo(random(6_000_000));
  }

  @Test
  void aLargeObjectKeepsItsCondition() throws Exception {
    byte[] bytes = random(6_000_000);
    put(random(10));
    assertThatThrownBy(() -> store.put(NAME, Content.of(bytes), PutCondition.IF_ABSENT, LIMIT))
        .isInstanceOf(StoreException.PreconditionFailed.class);
    assertThat(get(direct, 10)).isEqualTo(random(10));
  }

  /// Of the requests two in ten fail in some way; all operations succeed, and nothing differs.
  @Test
  void whatFailsIsTriedAgainUntilItSucceeds() throws Exception {
    var random = new SplittableRandom(1);
    try (var threads = new RealThreads(InstantSource.system(), 1);
        var remote =
            new RemoteStorage(
                open(address, HASTY),
                threads,
                random.split(),
                new RemoteLimits(
                    8,
                    new Backoff(Duration.ofMillis(1), Duration.ofMillis(20)),
                    Duration.ofSeconds(5),
                    1 << 20,
                    1 << 20))) {
      RemoteCall call = RemoteCall.untilDone(Urgency.UPLOAD);
      int failed = 0;
      for (int i = 0; i < 50; i++) {
        var name = new ObjectName("object-" + i);
        byte[] bytes = random(2000 + i);
        failed += order(random);
        remote.put(name, Content.of(bytes), PutCondition.IF_ABSENT, call);
        failed += order(random);
        assertThat(remote.read(name, 5000, call)).isEqualTo(bytes);
      }
      proxy.next(new Fault.After());
      remote.delete(List.of(new ObjectName("object-0"), new ObjectName("object-1")), call);
      assertThat(remote.listAll("object-", 1000, call)).hasSize(48);
      assertThat(failed).isBetween(10, 50);
      assertThat(remote.counts().outage()).isEmpty();
    }
  }

  private int order(SplittableRandom random) {
    if (random.nextInt(10) >= 2) {
      return 0;
    }
    int at = random.nextInt(2000);
    proxy.next(
        switch (random.nextInt(7)) {
          case 0 -> new Fault.Before();
          case 1 -> new Fault.After();
          case 2 -> new Fault.Cut(at);
          case 3 -> new Fault.FlipAnswer(at);
          case 4 -> new Fault.FlipRequest(at);
          case 5 -> new Fault.Answer(503, "SlowDown");
          default -> new Fault.Answer(500, "InternalError");
        });
    return 1;
  }
}
