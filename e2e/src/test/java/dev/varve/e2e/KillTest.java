package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Tpcb;
import dev.varve.testkit.workload.MixedWorkload;
import java.sql.Connection;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Varve is killed under load, again and again, and loses nothing.
class KillTest {

  private static final int MAJOR = 17;
  private static final int CLIENTS = 2;

  /// The least there is, so that layers are written all the time.
  private static final int MEMORY = 512;

  /// Of a base backup.
  private static final int FEW_BYTES = 1 << 20;

  private static final Tpcb BANK = new Tpcb(2, 5_000);
  private static final long SEED = Long.getLong("seed", 2);

  @Test
  void noPageDiffersAfterKills() throws Exception {
    killing(5);
  }

  @Test
  @Tag("nightly")
  void noPageDiffersAfterTwentyKills() throws Exception {
    killing(20);
  }

  private static void killing(int times) throws Exception {
    var random = new SplittableRandom(SEED);
    try (var scratch = Scratch.make();
        var source = source()) {
      Varve varve = Varve.start(scratch.path(), MEMORY);
      try {
        try (Load transactions = BANK.start(source::connect, Load.Plan.endless(CLIENTS, SEED));
            Load mixed =
                MixedWorkload.on(source).start(source::connect, Load.Plan.endless(2, SEED))) {
          varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
          for (int i = 0; i < times; i++) {
            awaitMoment(random, mixed);
            varve.kill();
            varve = Varve.start(scratch.path(), MEMORY);
          }
          mixed.await(mixed.steps() + 20);
          assertThat(transactions.steps()).isPositive();
        }
        assertSlotIsWell(source);
        StoppedServers.compare(source, varve, scratch.of("varve"), "main");
      } finally {
        varve.close();
      }
    }
  }

  /// A moment after some work, not only at the end of a step.
  private static void awaitMoment(SplittableRandom random, Load load) throws Exception {
    load.await(load.steps() + random.nextInt(60));
    LockSupport.parkNanos(random.nextInt(200_000_000));
  }

  private static void assertSlotIsWell(LocalCluster source) throws Exception {
    assertThat(source.query("select string_agg(wal_status, ',') from pg_replication_slots"))
        .isIn("reserved", "extended");
  }

  /// A kill during an import leaves neither a timeline nor a slot, and the name is free.
  @Test
  void anImportThatIsCutShortLeavesNothing() throws Exception {
    try (var scratch = Scratch.make();
        var source = source();
        var wire = new Wire(source.port(), FEW_BYTES)) {
      Varve varve = Varve.start(scratch.path(), MEMORY);
      try {
        Varve first = varve;
        String stuck = "host=127.0.0.1 user=postgres dbname=postgres port=" + wire.port();
        var importing =
            Thread.ofVirtual().start(() -> first.run("import", "--from", stuck, "--name", "main"));
        await(source, "select count(*) from pg_replication_slots", "1");
        varve.kill();
        importing.join();
        varve = Varve.start(scratch.path(), MEMORY);
        await(source, "select count(*) from pg_replication_slots", "0");
        assertThat(varve.json("list")).isEmpty();
        varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
        StoppedServers.compare(source, varve, scratch.of("varve"), "main");
      } finally {
        varve.close();
      }
    }
  }

  private static void await(LocalCluster source, String query, String value) throws Exception {
    long deadline = System.nanoTime() + 180_000_000_000L;
    try (Connection connection = source.connect()) {
      while (!Content.column(connection, query).getFirst().equals(value)) {
        assertThat(System.nanoTime()).as(query).isLessThan(deadline);
        LockSupport.parkNanos(5_000_000);
      }
    }
  }

  private static LocalCluster source() throws Exception {
    LocalCluster source =
        MixedWorkload.settings(LocalCluster.builder(PostgresBinaries.of(MAJOR)), CLIENTS)
            .setting("track_commit_timestamp", "on")
            .setting("autovacuum_naptime", "1s")
            .setting("max_wal_size", "64MB")
            .start();
    try (Connection connection = source.connect()) {
      BANK.initialize(connection);
    }
    return source;
  }
}
