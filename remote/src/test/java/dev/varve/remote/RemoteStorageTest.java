package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.task.Backoff;
import dev.varve.task.SteppedThreads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RemoteStorageTest {

  private static final Instant START = Instant.parse("2026-11-22T00:00:00Z");
  private static final ObjectName NAME = new ObjectName("a");
  private static final RemoteLimits LIMITS =
      new RemoteLimits(
          2,
          new Backoff(Duration.ofMillis(100), Duration.ofSeconds(1)),
          Duration.ofSeconds(20),
          1000,
          100_000);
  private static final RemoteCall CALL = RemoteCall.untilDone(Urgency.READ);

  private final SteppedThreads threads = new SteppedThreads(new SplittableRandom(1), START);
  private final MemoryStore store = new MemoryStore(threads.clock());
  private final RemoteStorage remote =
      new RemoteStorage(store, threads, new SplittableRandom(2), LIMITS);

  private static StoreException unavailable() {
    return new StoreException.Unavailable("it is away");
  }

  private Duration passed() {
    return Duration.between(START, threads.clock().instant());
  }

  private ObjectState put(String text, PutCondition condition, RemoteCall call)
      throws IOException, InterruptedException {
    return remote.put(NAME, Content.of(text.getBytes(StandardCharsets.UTF_8)), condition, call);
  }

  @Test
  void whatPassesIsTriedAgainLaterAndLater() throws Exception {
    for (int i = 0; i < 10; i++) {
      store.failBefore(i % 2 == 0 ? unavailable() : new StoreException.Throttled("slow down"));
    }
    put("x", PutCondition.ALWAYS, CALL);
    assertThat(store.calls).hasSize(11);
    // 100, 200, 400, 800 and then 1000 ms: of each half to all
    assertThat(passed()).isBetween(Duration.ofMillis(3750), Duration.ofMillis(7500));
  }

  @Test
  void whatDoesNotPassIsNotTriedAgain() throws Exception {
    put("x", PutCondition.ALWAYS, CALL);
    for (StoreException failure :
        List.of(
            new StoreException.Refused("no"),
            new StoreException.NotFound("none"),
            new StoreException.PreconditionFailed("other"))) {
      store.failBefore(failure);
      assertThatThrownBy(() -> remote.head(NAME, CALL)).isSameAs(failure);
    }
    assertThat(store.calls).hasSize(4);
    assertThat(passed()).isZero();
  }

  @Test
  void attemptsEndAtTheirNumber() {
    for (int i = 0; i < 3; i++) {
      store.failBefore(unavailable());
    }
    var call = new RemoteCall(Urgency.READ, 3, Duration.ofHours(1));
    assertThatThrownBy(() -> remote.head(NAME, call))
        .isInstanceOf(StoreException.Unavailable.class)
        .hasMessageContainingAll("it is away", "attempt 3");
    assertThat(store.calls).hasSize(3);
  }

  @Test
  void attemptsEndAtTheLimit() {
    for (int i = 0; i < 100; i++) {
      store.failBefore(unavailable());
    }
    RemoteCall call = RemoteCall.within(Duration.ofSeconds(5), Urgency.READ);
    assertThatThrownBy(() -> remote.head(NAME, call)).hasMessageContaining("it is away");
    assertThat(passed()).isBetween(Duration.ofSeconds(4), Duration.ofSeconds(5));
    assertThat(store.limits)
        .as("no attempt may take longer than is left")
        .allMatch(limit -> limit.compareTo(Duration.ofSeconds(5)) <= 0)
        .isSortedAccordingTo((a, b) -> b.compareTo(a));
  }

  @Test
  void anAttemptHasTheTimeThatItsBytesTake() throws Exception {
    remote.put(NAME, Content.of(new byte[5000]), PutCondition.ALWAYS, CALL);
    assertThat(store.limits).containsExactly(Duration.ofSeconds(25));
  }

  @Test
  void damageIsLookedAtThreeTimes() {
    for (int i = 0; i < 10; i++) {
      store.failBefore(new StoreException.Damaged("other bytes"));
    }
    assertThatThrownBy(() -> remote.head(NAME, CALL)).isInstanceOf(StoreException.Damaged.class);
    assertThat(store.calls).hasSize(3);
  }

  @Test
  void whoPutsWithAConditionAndHearsNothingLearnsThatItWorked() throws Exception {
    store.failAfter(unavailable());
    put("mine", PutCondition.IF_ABSENT, CALL);
    ObjectState first = store.stored(NAME).state();
    store.failAfter(unavailable());
    put("mine, too", new PutCondition.IfMatches(first.etag()), CALL);
    assertThat(remote.read(NAME, 100, CALL)).asString().isEqualTo("mine, too");
  }

  @Test
  void whatAnotherWroteIsNotMine() throws Exception {
    put("another's", PutCondition.ALWAYS, CALL);
    store.failBefore(unavailable());
    assertThatThrownBy(() -> put("mine", PutCondition.IF_ABSENT, CALL))
        .isInstanceOf(StoreException.PreconditionFailed.class);
    assertThatThrownBy(() -> put("another's", PutCondition.IF_ABSENT, CALL))
        .as("without a lost answer it can't be mine")
        .isInstanceOf(StoreException.PreconditionFailed.class);
  }

  @Test
  void aSinkThatFailsIsNotTriedAgain() throws Exception {
    put("x", PutCondition.ALWAYS, CALL);
    Sink full =
        (_, _) -> {
          throw new IOException("no space left");
        };
    assertThatThrownBy(() -> remote.get(NAME, ByteRange.WHOLE, full, CALL))
        .hasMessage("no space left");
    assertThat(store.calls).hasSize(2);
    remote.head(NAME, CALL); // the permit was given back
    remote.head(NAME, CALL);
    remote.head(NAME, CALL);
  }

  @Test
  void whatIsTriedAgainBeginsAgain() throws Exception {
    put("0123456789", PutCondition.ALWAYS, CALL);
    store.failAfter(unavailable());
    ByteBuffer target = ByteBuffer.allocate(4);
    remote.get(NAME, new ByteRange(3, 4), Sink.to(target), CALL);
    assertThat(new String(target.array(), StandardCharsets.UTF_8)).isEqualTo("3456");
    store.failAfter(unavailable());
    assertThat(remote.read(NAME, 10, CALL)).asString().isEqualTo("0123456789");
  }

  @Test
  void whatIsTooLargeIsNotRead() throws Exception {
    put("0123456789", PutCondition.ALWAYS, CALL);
    assertThatThrownBy(() -> remote.read(NAME, 9, CALL))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("more than 9 bytes");
    put("", PutCondition.ALWAYS, CALL);
    assertThat(remote.read(NAME, 9, CALL)).isEmpty();
  }

  @Test
  void aDownloadIsMadeOfRangesAndCompared(@TempDir Path directory) throws Exception {
    int size = 101_000;
    var bytes = new byte[size];
    new SplittableRandom(3).nextBytes(bytes);
    remote.put(NAME, Content.of(bytes), PutCondition.ALWAYS, CALL);
    Path file = directory.resolve("file");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      store.failAfter(unavailable());
      remote.download(NAME, size, channel, CALL);
      assertThat(file).hasBinaryContent(bytes);
      assertThat(store.calls).hasSize(4);
      store.stored(NAME).content[5]++;
      assertThatThrownBy(() -> remote.download(NAME, size, channel, CALL))
          .isInstanceOf(StoreException.Damaged.class)
          .hasMessageContaining("CRC-32C");
      assertThatThrownBy(() -> remote.download(NAME, 100, channel, CALL))
          .isInstanceOf(StoreException.Damaged.class)
          .hasMessageContaining("instead of 100");
      assertThatThrownBy(() -> remote.download(NAME, 0, channel, CALL))
          .isInstanceOf(StoreException.Damaged.class);
    }
  }

  @Test
  void manyAreDeletedAThousandAtATime() throws Exception {
    var names = new ArrayList<ObjectName>();
    for (int i = 0; i < 2500; i++) {
      names.add(new ObjectName("n" + i));
    }
    remote.delete(names, CALL);
    assertThat(store.calls).containsExactly("delete 1000", "delete 1000", "delete 500");
  }

  @Test
  void aListIsBounded() throws Exception {
    for (int i = 0; i < 2500; i++) {
      remote.put(new ObjectName("n" + i), Content.of(new byte[0]), PutCondition.ALWAYS, CALL);
    }
    assertThat(remote.listAll("n", 2500, CALL)).hasSize(2500);
    assertThatThrownBy(() -> remote.listAll("n", 2499, CALL))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("more than 2499");
  }

  @Test
  void whatIsDoneIsCounted() throws Exception {
    store.during(() -> threads.pass(Duration.ofMillis(10)));
    store.failAfter(unavailable());
    put("12345", PutCondition.ALWAYS, CALL);
    remote.get(NAME, new ByteRange(1, 2), Sink.to(ByteBuffer.allocate(2)), CALL);
    assertThatThrownBy(() -> remote.head(new ObjectName("none"), CALL));
    RemoteCounts.OfOperation puts = of(Operation.PUT);
    assertThat(puts.attempts()).isEqualTo(2);
    assertThat(puts.bytes()).isEqualTo(5);
    assertThat(puts.working()).isEqualTo(Duration.ofMillis(20));
    assertThat(puts.failures())
        .containsEntry(StoreException.Kind.UNAVAILABLE, 1L)
        .containsEntry(StoreException.Kind.NOT_FOUND, 0L);
    RemoteCounts.OfOperation gets = of(Operation.GET);
    assertThat(gets.attempts()).isEqualTo(1);
    assertThat(gets.bytes()).isEqualTo(2);
    RemoteCounts.OfOperation heads = of(Operation.HEAD);
    assertThat(heads.failures()).containsEntry(StoreException.Kind.NOT_FOUND, 1L);
    assertThat(of(Operation.LIST).attempts()).isZero();
  }

  private RemoteCounts.OfOperation of(Operation operation) {
    return Objects.requireNonNull(remote.counts().operations().get(operation));
  }

  @Test
  void anOutageIsThereUntilTheStoreAnswers() throws Exception {
    store.failBefore(unavailable());
    store.failBefore(new StoreException.Refused("no such bucket"));
    var once = RemoteCall.once(Duration.ofSeconds(1), Urgency.READ);
    assertThatThrownBy(() -> remote.head(NAME, once)).hasMessage("it is away");
    threads.pass(Duration.ofSeconds(5));
    assertThatThrownBy(() -> remote.head(NAME, once)).hasMessage("no such bucket");
    assertThat(remote.counts().outage())
        .hasValue(new RemoteCounts.Outage(START, 2, "no such bucket"));
    assertThatThrownBy(() -> remote.head(NAME, once)).isInstanceOf(StoreException.NotFound.class);
    assertThat(remote.counts().outage()).isEmpty();
  }

  /// Two are under way; a third waits for one of them, but not beyond its limit.
  @Test
  void whoGetsNoPermitInTimeIsTold() throws Exception {
    put("x", PutCondition.ALWAYS, CALL);
    var failures = new ArrayList<Throwable>();
    store.during(() -> {
      store.during(() -> {
        store.during(() -> {});
        RemoteCall call = RemoteCall.within(Duration.ofSeconds(3), Urgency.READ);
        assertThatThrownBy(() -> remote.head(NAME, call)).satisfies(failures::add);
      });
      assertThat(tryHead()).isTrue();
    });
    remote.head(NAME, CALL);
    assertThat(failures)
        .singleElement()
        .satisfies(e ->
            assertThat(e)
                .isInstanceOf(StoreException.Unavailable.class)
                .hasMessageContaining("all of 2 requests are under way"));
    assertThat(passed()).isEqualTo(Duration.ofSeconds(3));
    assertThat(tryHead()).isTrue();
  }

  private boolean tryHead() {
    try {
      remote.head(NAME, CALL);
      return true;
    } catch (IOException | InterruptedException e) {
      return false;
    }
  }

  /// A fault at each call in turn, until a run meets none: all is done all the same.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFaultAtAnyCallChangesNothing(boolean takesEffect) throws Exception {
    boolean met = true;
    for (int call = 0; met; call++) {
      var faulty = new MemoryStore(threads.clock());
      var storage = new RemoteStorage(faulty, threads, new SplittableRandom(call), LIMITS);
      int at = call;
      faulty.during(() -> {
        if (faulty.calls.size() == at + 1) {
          if (takesEffect) {
            faulty.failAfter(unavailable());
          } else {
            faulty.failBefore(unavailable());
          }
        }
      });
      ObjectState first =
          storage.put(NAME, Content.of(new byte[] {1}), PutCondition.IF_ABSENT, CALL);
      var matches = new PutCondition.IfMatches(first.etag());
      storage.put(NAME, Content.of(new byte[] {2}), matches, CALL);
      assertThat(storage.read(NAME, 10, CALL)).isEqualTo(new byte[] {2});
      assertThat(storage.head(NAME, CALL).size()).isEqualTo(1);
      assertThat(storage.listAll("", 10, CALL)).hasSize(1);
      storage.delete(List.of(NAME), CALL);
      assertThat(storage.listAll("", 10, CALL)).isEmpty();
      met = faulty.calls.size() > 7;
      assertThat(call).isLessThan(20);
    }
  }
}
