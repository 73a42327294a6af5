package dev.varve.testkit.workload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MixedWorkloadTest {

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void runsOnEveryVersion(int major) throws Exception {
    try (var cluster =
        MixedWorkload.settings(LocalCluster.builder(PostgresBinaries.of(major)), 3).start()) {
      MixedWorkload workload = MixedWorkload.on(cluster);
      try (var load = workload.start(cluster::connect, Load.Plan.steps(3, major, 150))) {
        load.await();
        assertThat(load.steps()).isEqualTo(450);
      }
      // It really did the rarer things.
      assertThat(cluster.query("select count(*) from pg_class where relname like 't%'"))
          .isNotEqualTo("0");
      assertThat(
              Integer.parseInt(
                  cluster.query("select next_multixact_id from pg_control_checkpoint()")))
          .as("multixacts")
          .isGreaterThanOrEqualTo(1);
      cluster.execute("checkpoint");
      assertThat(
              Integer.parseInt(
                  cluster.query("select next_multixact_id from pg_control_checkpoint()")))
          .as("multixacts")
          .isGreaterThan(1);
    }
  }

  @Test
  void theSameSeedDoesTheSame() throws Exception {
    assertThat(contentAfter(7)).isEqualTo(contentAfter(7)).isNotEqualTo(contentAfter(8));
  }

  private static String contentAfter(long seed) throws Exception {
    try (var cluster =
        MixedWorkload.settings(LocalCluster.builder(PostgresBinaries.of(17)), 1)
            .setting("autovacuum", "off")
            .start()) {
      MixedWorkload workload = MixedWorkload.on(cluster, Set.of(MixedWorkload.Feature.DEFINITIONS));
      try (var load = workload.start(cluster::connect, Load.Plan.steps(1, seed, 60))) {
        load.await();
      }
      return cluster.query(
          """
          select string_agg(relname || ' ' || query_to_xml(
              'select count(*), sum(k), md5(string_agg(v, '','' order by id)) from w0.' || relname,
              true, true, '')::text, ';' order by relname)
          from pg_class where relkind = 'r' and relnamespace = 'w0'::regnamespace\
          """);
    }
  }

  @Test
  void outlivesARestart() throws Exception {
    try (var cluster =
        MixedWorkload.settings(LocalCluster.builder(PostgresBinaries.of(18)), 2).start()) {
      try (var load =
          MixedWorkload.on(cluster)
              .start(cluster::connect, Load.Plan.endless(2, 3).reconnecting())) {
        load.await(60);
        cluster.stop(StopMode.IMMEDIATE);
        cluster.start();
        load.await(load.steps() + 60);
      }
    }
  }
}
