package dev.varve.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import dev.varve.remote.generation.GenerationsContract;
import dev.varve.task.RealThreads;
import io.etcd.jetcd.Client;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

@EnabledIf("dev.varve.etcd.EtcdServer#isInstalled")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
class EtcdGenerationsTest extends GenerationsContract {

  private static final Duration LIMIT = Duration.ofSeconds(5);

  /// Much more than any limit, for a slow machine.
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final RealThreads threads = new RealThreads(InstantSource.system(), 1);
  private EtcdServer server;
  private EtcdGenerations generations;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    server = EtcdServer.start(directory);
    var patient = new EtcdSettings("first", Duration.ofSeconds(30), Duration.ofSeconds(60));
    EtcdGenerations.open(server.address(), patient, threads)
        .close(); // for the classes to be loaded
  }

  @AfterAll
  void stop() {
    threads.close();
    server.close();
  }

  @BeforeEach
  void open() throws Exception {
    generations = open("node-1", LIMIT);
  }

  @AfterEach
  void close() {
    generations.close();
  }

  private EtcdGenerations open(String node, Duration limit) throws Exception {
    var settings = new EtcdSettings(node, limit, Duration.ofSeconds(4));
    return EtcdGenerations.open(server.address(), settings, threads);
  }

  @Override
  protected Generations generations() {
    return generations;
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(Condition condition) throws Exception {
    Instant end = Instant.now().plusSeconds(60);
    while (!condition.holds()) {
      assertThat(Instant.now()).isBefore(end);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  @Test
  void whoLosesATenantIsNotTheNewestAnyMore() throws Exception {
    TenantId tenant = tenant();
    Generation mine = generations.attach(tenant, Generation.NONE);
    try (EtcdGenerations other = open("node-2", LIMIT)) {
      Generation its = other.attach(tenant, Generation.NONE);
      assertThat(its).isGreaterThan(mine);
      assertThat(generations.newest(List.of(tenant))).isEqualTo(Map.of(tenant, its));
      assertThat(other.newest(List.of(tenant))).isEqualTo(Map.of(tenant, its));
    }
  }

  @Test
  void whoHasATenantIsSaidToWhoHasItNoMore() throws Exception {
    TenantId tenant = tenant();
    Generation mine = generations.attach(tenant, Generation.NONE);
    try (EtcdGenerations other = open("node-2", LIMIT)) {
      Generation its = other.attach(tenant, Generation.NONE);
      assertThat(generations.attachIfNewest(tenant, mine, mine))
          .isEqualTo(new Claim.Outdated(its, Optional.of("node-2")));
      assertThat(other.attachIfNewest(tenant, mine, mine))
          .isEqualTo(new Claim.Outdated(its, Optional.empty()));
      assertThat(other.newest(List.of(tenant))).isEqualTo(Map.of(tenant, its));
    }
  }

  @Test
  void nodesSeeEachOtherWhileTheyLive() throws Exception {
    assertThat(generations.isAlive()).isTrue();
    try (EtcdGenerations other = open("node-2", LIMIT)) {
      // A lease that was not given back in time, by another test, takes a moment to run out.
      await(() -> generations.nodes().equals(Set.of("node-1", "node-2")));
      TimeUnit.SECONDS.sleep(8); // twice as long as a lease lasts
      assertThat(other.nodes()).containsExactly("node-1", "node-2");
    }
    assertThat(generations.nodes()).containsExactly("node-1");
  }

  @Test
  void anEtcdThatDoesNotAnswerIsUnavailableWithinTheLimit() throws Exception {
    try (EtcdGenerations hasty = open("hasty", Duration.ofSeconds(1))) {
      TenantId tenant = tenant();
      hasty.attach(tenant, Generation.NONE);
      server.pause();
      try {
        Instant start = Instant.now();
        assertThatThrownBy(() -> hasty.attach(tenant, Generation.NONE))
            .isInstanceOf(StoreException.Unavailable.class)
            .hasMessageContaining(server.hostAndPort());
        assertThatThrownBy(() -> hasty.newest(List.of(tenant)))
            .isInstanceOf(StoreException.Unavailable.class);
        assertThat(Duration.between(start, Instant.now())).isLessThan(PATIENCE);
      } finally {
        server.goOn();
      }
      await(() -> hasty.isAlive());
    }
  }

  @Test
  void anInterruptEndsACall() throws Exception {
    server.pause();
    try {
      var end = new CompletableFuture<Throwable>();
      Thread caller =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  generations.attach(tenant(), Generation.NONE);
                  end.complete(new AssertionError("it succeeded"));
                } catch (StoreException | InterruptedException e) {
                  end.complete(e);
                }
              });
      TimeUnit.MILLISECONDS.sleep(100);
      caller.interrupt();
      assertThat(end.get()).isInstanceOf(InterruptedException.class);
    } finally {
      server.goOn();
    }
  }

  /// The lease ends while etcd is not reachable; then this node gets nothing until it has another.
  @Test
  void whoHasLostItsLeaseAttachesNothingAndGetsAnother() throws Exception {
    try (EtcdGenerations hasty = open("hasty", Duration.ofSeconds(1))) {
      server.pause();
      try {
        await(() -> !hasty.isAlive());
        assertThatThrownBy(() -> hasty.attach(tenant(), Generation.NONE))
            .isInstanceOf(StoreException.Unavailable.class);
      } finally {
        server.goOn();
      }
      await(() -> hasty.isAlive());
      await(() -> hasty.nodes().contains("hasty"));
      assertThat(hasty.attach(tenant(), Generation.NONE)).isEqualTo(generation(1));
    }
  }

  @Test
  void generationsSurviveEtcd() throws Exception {
    TenantId tenant = tenant();
    Generation given = generations.attach(tenant, Generation.NONE);
    server.kill();
    assertThatThrownBy(() -> generations.attach(tenant, Generation.NONE))
        .isInstanceOf(StoreException.Unavailable.class);
    server.restart();
    await(() -> isNewest(tenant, given));
    await(() -> generations.isAlive());
    assertThat(generations.attach(tenant, Generation.NONE)).isGreaterThan(given);
  }

  private boolean isNewest(TenantId tenant, Generation given) throws Exception {
    try {
      return generations.newest(List.of(tenant)).equals(Map.of(tenant, given));
    } catch (StoreException.Unavailable e) {
      return false; // it has not connected again yet
    }
  }

  @Test
  void whatSomebodyElseWroteThereIsNotGuessed() throws Exception {
    TenantId tenant = tenant();
    try (Client client = Client.builder().endpoints("http://" + server.hostAndPort()).build()) {
      var key = EtcdCalls.bytes("/test/tenants/" + tenant + "/generation");
      client.getKVClient().put(key, EtcdCalls.bytes("7")).get();
    }
    assertThatThrownBy(() -> generations.attach(tenant, Generation.NONE))
        .isInstanceOf(StoreException.Damaged.class)
        .hasMessageContainingAll(tenant.toString(), "\"7\"");
    assertThatThrownBy(() -> generations.newest(List.of(tenant)))
        .isInstanceOf(StoreException.Damaged.class);
  }

  @Test
  void anEtcdThatIsNotThereIsSaid() {
    var nowhere = EtcdAddress.parse("etcd://127.0.0.1:1/test");
    assertThatThrownBy(() -> EtcdGenerations.open(nowhere, EtcdSettings.of("n"), threads))
        .isInstanceOf(StoreException.Unavailable.class)
        .hasMessageContaining("127.0.0.1:1");
  }
}
