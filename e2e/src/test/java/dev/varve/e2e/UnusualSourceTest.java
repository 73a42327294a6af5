package dev.varve.e2e;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.testkit.workload.MixedWorkload;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A source whose settings change what it logs, and how.
class UnusualSourceTest {

  private static final int CLIENTS = 2;

  /// Without full page writes there is a record for hint bits that has no image; with segments of 1
  /// MiB many a record lies on two; logical decoding wants more in the records.
  @ParameterizedTest
  @MethodSource("dev.varve.e2e.Versions#all")
  void everyPageIsAsAtTheSource(int major) throws Exception {
    try (var scratch = Scratch.make();
        var source = unusual(LocalCluster.builder(PostgresBinaries.of(major))).start();
        var varve = Varve.start(scratch.path(), 512)) {
      source.execute(
          "create table hinted (id int primary key, v text)",
          "insert into hinted select g, md5(g::text) from generate_series(1, 5000) g",
          "select pg_replication_origin_create('elsewhere')");
      try (Load mixed =
          MixedWorkload.on(source).start(source::connect, Load.Plan.endless(CLIENTS, major))) {
        varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
        for (int i = 0; i < 4; i++) {
          setHints(source, i);
          mixed.await(mixed.steps() + 10);
        }
      }
      StoppedServers.compare(source, varve, scratch.of("varve"), "main");
    }
  }

  /// The first hint on a page after a checkpoint is logged.
  private static void setHints(LocalCluster source, int round) throws Exception {
    source.execute(
        "select pg_replication_origin_session_setup('elsewhere')",
        "update hinted set v = md5(v) where id % 5 = " + round,
        "select pg_logical_emit_message(true, 'round', repeat('x', 100000))",
        "checkpoint",
        "select count(*) from hinted where v > 'a'");
  }

  private static ClusterBuilder unusual(ClusterBuilder cluster) {
    return MixedWorkload.settings(cluster, CLIENTS)
        .walSegmentMegabytes(1)
        .initdb("--allow-group-access")
        .setting("full_page_writes", "off")
        .setting("wal_level", "logical")
        .setting("wal_log_hints", "on")
        .setting("wal_init_zero", "off")
        .setting("wal_recycle", "off")
        .setting("min_wal_size", "2MB")
        .setting("max_wal_size", "3MB")
        .setting("autovacuum_naptime", "1s");
  }
}
