package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Tpcb;
import dev.varve.testkit.workload.MixedWorkload;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A running server is imported, followed, restarted, branched and restored, and what was restored
/// is imported and followed again.
class OnlineTest {

  private static final int CLIENTS = 2;
  private static final Tpcb BANK = new Tpcb(1, 3_000);

  @ParameterizedTest
  @MethodSource("dev.varve.e2e.Versions#all")
  void followsWhatRunsAndWhatWasRestored(int major) throws Exception {
    try (var scratch = Scratch.make();
        var source = tuned(LocalCluster.builder(PostgresBinaries.of(major))).start();
        var varve = Varve.start(scratch.path(), 512)) {
      try (Connection connection = source.connect()) {
        BANK.initialize(connection);
      }
      source.execute("create table orders as select g id from generate_series(1, 10000) g");
      Path second;
      try (Load transactions = BANK.start(source::connect, plan(major));
          Load mixed = MixedWorkload.on(source).start(source::connect, plan(major))) {
        mixed.await(60);
        varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
        mixed.await(mixed.steps() + 60);
        source.restart(StopMode.FAST);
        second = branches(source, varve, scratch, mixed);
        assertThat(transactions.steps()).isPositive();
      }
      try (var restored = tuned(LocalCluster.existing(source.binaries(), second)).start()) {
        Set<Integer> made = followAgain(restored, varve, major);
        StoppedServers.compare(source, varve, scratch.of("varve"), "main");
        StoppedServers.compare(second, scratch.of("varve"), "again", made);
      }
    }
  }

  /// Branches at an LSN and at a time, from both sides of an accident, and restores both.
  ///
  /// @return the second's directory
  private static Path branches(LocalCluster source, Varve varve, Scratch scratch, Load load)
      throws Exception {
    load.await(load.steps() + 30);
    String time = source.query("select clock_timestamp()");
    source.execute("delete from orders");
    String lsn = source.query("select pg_current_wal_insert_lsn()");
    load.await(load.steps() + 30);
    varve.command("branch", "main", "after", "--at", lsn);
    varve.command("branch", "main", "before", "--at", time);
    Path after = restore(source, varve, scratch, "after", "0");
    Path before = restore(source, varve, scratch, "before", "10000");
    assertThat(after).isNotEqualTo(before);
    return before;
  }

  private static Path restore(
      LocalCluster source, Varve varve, Scratch scratch, String name, String orders)
      throws Exception {
    Path target = scratch.of(name);
    varve.command("restore", name, "--to", target.toString());
    try (var restored =
        tuned(LocalCluster.existing(source.binaries(), target))
            .setting("autovacuum", "off")
            .start()) {
      assertThat(restored.query("select count(*) from orders")).as(name).isEqualTo(orders);
      try (Connection connection = restored.connect()) {
        BANK.verify(connection);
      }
      assertThat(Amcheck.of(restored).findings()).as(name).isEmpty();
    }
    return target;
  }

  /// Imports the restored server under load, and stops it.
  private static Set<Integer> followAgain(LocalCluster restored, Varve varve, int seed)
      throws Exception {
    try (Load transactions = BANK.start(restored::connect, Load.Plan.endless(CLIENTS, seed))) {
      transactions.await(50);
      varve.command("import", "--from", restored.connectionString("postgres"), "--name", "again");
      transactions.await(transactions.steps() + 100);
    }
    try (Connection connection = restored.connect()) {
      BANK.verify(connection);
    }
    return StoppedServers.stopAndAwait(restored, varve, "again");
  }

  private static Load.Plan plan(int seed) {
    return Load.Plan.endless(CLIENTS, seed).reconnecting();
  }

  private static ClusterBuilder tuned(ClusterBuilder cluster) {
    return MixedWorkload.settings(cluster, CLIENTS)
        .setting("track_commit_timestamp", "on")
        .setting("autovacuum_naptime", "1s")
        .setting("max_wal_size", "64MB");
  }
}
