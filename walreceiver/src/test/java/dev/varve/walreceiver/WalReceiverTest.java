package dev.varve.walreceiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Tpcb;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.Backoff;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WalReceiverTest {

  private static final Duration LIMIT = Duration.ofMinutes(3);
  private static final Tpcb BANK = new Tpcb(1, 500);

  private final TaskManager tasks =
      new TaskManager(new RealThreads(InstantSource.system(), 2), Duration.ofSeconds(5));

  @AfterEach
  void endTasks() {
    tasks.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void takesEveryByteOnceOverAnyEndOfTheServer(int major) throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(major)).start()) {
      try (Connection connection = cluster.connect()) {
        BANK.initialize(connection);
      }
      CollectingSink sink = sinkAtNewSegment(cluster);
      try (var receiver = receiver(cluster, sink)) {
        try (var load = BANK.start(cluster::connect, Load.Plan.endless(2, major).reconnecting())) {
          for (StopMode mode : StopMode.values()) {
            load.await(load.steps() + 30);
            Lsn before = sink.end();
            await(receiver, () -> sink.end().isAfter(before));
            if (mode == StopMode.SMART) {
              // Would wait for the load for ever.
              cluster.kill();
            } else {
              cluster.stop(mode);
            }
            cluster.start();
          }
          load.await(load.steps() + 30);
        }
        Lsn end = Lsn.parse(cluster.query("select pg_current_wal_flush_lsn()"));
        await(receiver, () -> !sink.end().isBefore(end));
        assertThat(receiver.status().state()).isEqualTo(ReceiverState.STREAMING);
        assertThat(sink.sinks()).isGreaterThanOrEqualTo(4);
      }
      cluster.stop(StopMode.FAST);
      assertThat(sink.bytes()).isEqualTo(disk(cluster, sink));
    }
  }

  @Test
  void theSlotAdvancesOnlyPastWhatIsDurable() throws Exception {
    try (var cluster =
        LocalCluster.builder(PostgresBinaries.of(17))
            .setting("synchronous_standby_names", "*")
            .setting("synchronous_commit", "local")
            .start()) {
      CollectingSink sink = sinkAtNewSegment(cluster);
      Lsn start = sink.end();
      try (var receiver = receiver(cluster, sink)) {
        cluster.execute("create table t as select generate_series(1, 10000) a");
        Lsn end = Lsn.parse(cluster.query("select pg_current_wal_flush_lsn()"));
        await(receiver, () -> !sink.end().isBefore(end));
        await(receiver, () -> isAsynchronousAt(cluster, end));
        assertThat(restartLsn(cluster)).isEqualTo(start);
        assertThat(receiver.status().flushed()).isEqualTo(start);

        sink.flush();
        receiver.flushed();
        await(receiver, () -> !restartLsn(cluster).isBefore(end));
        assertThat(receiver.status().lastMessage()).isNotNull();
        assertThat(receiver.status().received()).isGreaterThanOrEqualTo(end);
        assertThat(receiver.status().sourceEnd()).isGreaterThanOrEqualTo(end);
        await(receiver, () -> isAsynchronousAt(cluster, end));
      }
      awaitEnd(cluster);
      assertThat(Files.readString(cluster.log())).doesNotContain("unexpected EOF");
    }
  }

  /// The source takes a moment to find out that a receiver has gone.
  private static void awaitEnd(LocalCluster cluster) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!cluster.query("select active from pg_replication_slots").equals("f")) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.sleep(Duration.ofMillis(20));
    }
  }

  /// Whether it is there, and the source's commits do not wait for it.
  private static boolean isAsynchronousAt(LocalCluster cluster, Lsn end) throws Exception {
    return cluster
        .query(
            "select write_lsn >= '%s' and replay_lsn >= '%s' and sync_state = 'async'"
                    .formatted(end, end)
                + " from pg_stat_replication")
        .equals("t");
  }

  private static Lsn restartLsn(LocalCluster cluster) throws Exception {
    return Lsn.parse(cluster.query("select restart_lsn from pg_replication_slots"));
  }

  @Test
  void aDroppedSlotIsSaidAndTheStreamGoesOnWhenItIsBack() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(16)).start()) {
      CollectingSink sink = sinkAtNewSegment(cluster);
      try (var receiver = receiver(cluster, sink)) {
        await(receiver, () -> receiver.status().state() == ReceiverState.STREAMING);
        cluster.stop(StopMode.FAST);
        Files.move(
            cluster.dataDirectory().resolve("pg_replslot/varve"),
            cluster.dataDirectory().resolve("varve.away"));
        cluster.start();
        await(receiver, () -> receiver.status().state() == ReceiverState.BLOCKED);
        assertThat(receiver.status().lastError())
            .startsWith("the source has no replication slot varve any more")
            .contains(sink.end().toString());

        cluster.execute("select pg_create_physical_replication_slot('varve', true)");
        Lsn end = Lsn.parse(cluster.query("select pg_current_wal_flush_lsn()"));
        await(receiver, () -> !sink.end().isBefore(end));
        await(receiver, () -> receiver.status().state() == ReceiverState.STREAMING);
      }
    }
  }

  @Test
  void removedWalIsSaid() throws Exception {
    try (var cluster =
        LocalCluster.builder(PostgresBinaries.of(15))
            .walSegmentMegabytes(1)
            .setting("max_slot_wal_keep_size", "1MB")
            .setting("min_wal_size", "2MB")
            .setting("max_wal_size", "4MB")
            .start()) {
      CollectingSink sink = sinkAtNewSegment(cluster);
      for (int i = 0; i < 12; i++) {
        cluster.execute("select pg_logical_emit_message(false, 'x', 'y'), pg_switch_wal()");
      }
      cluster.execute("checkpoint", "checkpoint");
      try (var receiver = receiver(cluster, sink)) {
        await(receiver, () -> receiver.status().state() == ReceiverState.BLOCKED);
        assertThat(receiver.status().lastError()).contains("import");
      }
      try (var receiver =
          new WalReceiver(tasks, "t", source(cluster, Optional.empty(), 0), sink, settings())) {
        await(receiver, () -> receiver.status().state() == ReceiverState.BLOCKED);
        assertThat(receiver.status().lastError())
            .startsWith("the source has removed the WAL at " + sink.end());
      }
    }
  }

  @Test
  void aRecordThatThisServerCannotTakeBlocksAndIsNotAskedForAgainAndAgain() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      WalSink.Source small =
          () -> {
            throw new PageserverException.Unsupported("there is no room for it");
          };
      try (var receiver =
          new WalReceiver(tasks, "t", source(cluster, Optional.empty(), 0), small, settings())) {
        await(receiver, () -> receiver.status().state() == ReceiverState.BLOCKED);
        assertThat(receiver.status().lastError()).isEqualTo("there is no room for it");
      }
    }
  }

  @Test
  void anotherClusterIsRefused() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(14)).start()) {
      CollectingSink sink = sinkAtNewSegment(cluster);
      try (var receiver =
          new WalReceiver(tasks, "t", source(cluster, Optional.of("varve"), 1), sink, settings())) {
        await(receiver, () -> receiver.status().state() == ReceiverState.BLOCKED);
        assertThat(receiver.status().lastError()).contains("is another cluster");
      }
      assertThat(sink.bytes()).isEmpty();
    }
  }

  @Test
  void aWrongPasswordIsSaidAndShownNowhere() throws Exception {
    try (var cluster =
        LocalCluster.builder(PostgresBinaries.of(18))
            .password("open sesame", "scram-sha-256")
            .start()) {
      CollectingSink sink = sinkAtNewSegment(cluster);
      Source right = source(cluster, Optional.of("varve"), 0);
      var wrong =
          new Source(
              ConnectionInfo.parse(
                  cluster.connectionString("postgres").replace("open sesame", "open barley")),
              right.slot(),
              right.systemId(),
              18);
      try (var receiver = new WalReceiver(tasks, "t", wrong, sink, settings())) {
        await(receiver, () -> receiver.status().state() == ReceiverState.RETRYING);
        assertThat(receiver.status().toString())
            .contains("password authentication failed")
            .contains("check user and password")
            .doesNotContain("barley");
      }
    }
  }

  @Test
  void aSinkThatFailsIsOpenedAgain() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      CollectingSink sink = sinkAtNewSegment(cluster);
      sink.failAfter(100_000);
      try (var receiver = receiver(cluster, sink)) {
        cluster.execute("create table t as select generate_series(1, 50000) a");
        Lsn end = Lsn.parse(cluster.query("select pg_current_wal_flush_lsn()"));
        await(receiver, () -> !sink.end().isBefore(end));
        assertThat(receiver.status().lastError()).contains("this record is poison");
        assertThat(sink.sinks()).isEqualTo(2);
      }
      cluster.stop(StopMode.FAST);
      byte[] bytes = sink.bytes();
      assertThat(bytes).isEqualTo(disk(cluster, sink));
    }
  }

  /// However often the source sends it, and however much it sends besides.
  @Test
  void aRecordThatCanNotBeTakenInIsTriedEverMoreSlowly() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      CollectingSink sink = sinkAtNewSegment(cluster);
      sink.failAlways();
      var slow =
          new ReceiverSettings(
              Duration.ofMillis(100),
              Duration.ofSeconds(20),
              new Backoff(Duration.ofMillis(50), Duration.ofMinutes(10)),
              Duration.ofMillis(300));
      long begin = System.nanoTime();
      try (var receiver =
          new WalReceiver(tasks, "t", source(cluster, Optional.of("varve"), 0), sink, slow)) {
        await(receiver, () -> sink.sinks() >= 3);
        cluster.execute("create table t as select generate_series(1, 100) a");
        await(receiver, () -> sink.sinks() >= 5);
        // What lies between five attempts; a slow machine takes longer.
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
            .isGreaterThanOrEqualTo(Duration.ofMillis(50 + 100 + 200 + 400));
        // The attempt that opened the last sink may not have met the record yet.
        await(receiver, () -> receiver.status().state() == ReceiverState.RETRYING);
        assertThat(receiver.status().lastError()).contains("this record is poison");
        assertThat(sink.bytes()).isEmpty();
      }
    }
  }

  @Test
  void followsAPromotedServerToItsNewTimeline() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      try (var standby = Standby.of(cluster)) {
        standby.execute("select pg_create_physical_replication_slot('varve', true)");
        cluster.execute("create table t as select generate_series(1, 1000) a");
        var sink = new CollectingSink(restartLsn(standby));
        Source source = source(standby, Optional.of("varve"), 0);
        try (var receiver = new WalReceiver(tasks, "t", source, sink, settings())) {
          await(receiver, () -> receiver.status().state() == ReceiverState.STREAMING);
          standby.execute("select pg_promote()");
          standby.execute("create table u as select generate_series(1, 1000) a");
          Lsn end = Lsn.parse(standby.query("select pg_current_wal_flush_lsn()"));
          await(receiver, () -> !sink.end().isBefore(end));
          assertThat(receiver.status().lastError()).isNull();
          assertThat(sink.sinks()).isEqualTo(1);
        }
      }
    }
  }

  // --- what the tests share ---

  private static ReceiverSettings settings() {
    return new ReceiverSettings(
        Duration.ofMillis(200),
        Duration.ofSeconds(20),
        new Backoff(Duration.ofMillis(50), Duration.ofMillis(500)),
        Duration.ofMillis(300));
  }

  private static ConnectionInfo info(LocalCluster cluster) {
    return ConnectionInfo.parse(cluster.connectionString("postgres"));
  }

  private static Source source(LocalCluster cluster, Optional<String> slot, long otherSystem)
      throws Exception {
    long system =
        Long.parseUnsignedLong(cluster.query("select system_identifier from pg_control_system()"));
    return new Source(info(cluster), slot, system + otherSystem, cluster.binaries().major());
  }

  private WalReceiver receiver(LocalCluster cluster, CollectingSink sink) throws Exception {
    return new WalReceiver(tasks, "t", source(cluster, Optional.of("varve"), 0), sink, settings());
  }

  /// A slot, and a sink that begins with the segment in which the WAL goes on.
  private static CollectingSink sinkAtNewSegment(LocalCluster cluster) throws Exception {
    cluster.execute(
        "select pg_create_physical_replication_slot('varve', true)",
        "select pg_switch_wal()",
        "select pg_logical_emit_message(false, 'x', 'y')");
    String file = cluster.query("select pg_walfile_name(pg_current_wal_lsn())");
    long segmentSize =
        Long.parseLong(
            cluster.query("select setting from pg_settings where name = 'wal_segment_size'"));
    return new CollectingSink(
        new Lsn(
            (Long.parseLong(file.substring(8, 16), 16) << 32)
                + Long.parseLong(file.substring(16), 16) * segmentSize));
  }

  private static byte[] disk(LocalCluster cluster, CollectingSink sink) throws IOException {
    byte[] received = sink.bytes();
    var bytes = new ByteArrayOutputStream();
    long at = sink.end().value() - received.length;
    for (; bytes.size() < received.length; at += 1 << 24) {
      Path segment =
          cluster
              .dataDirectory()
              .resolve("pg_wal/00000001%08X%08X".formatted(at >>> 32, (at & 0xFFFFFFFFL) >> 24));
      bytes.writeBytes(Files.readAllBytes(segment));
    }
    return Arrays.copyOf(bytes.toByteArray(), received.length);
  }

  private static void await(WalReceiver receiver, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("%s", receiver.status()).isLessThan(deadline);
      Thread.sleep(Duration.ofMillis(20));
    }
  }
}
