package dev.varve.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

class TpcbTest {

  private static final Tpcb BANK = new Tpcb(2, 100);

  @Test
  void theSumsAgreeUnlessSomethingIsLost() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start();
        Connection connection = cluster.connect()) {
      BANK.initialize(connection);
      try (var load = BANK.start(cluster::connect, Load.Plan.steps(3, 1, 40))) {
        load.await();
        assertThat(load.steps()).isEqualTo(120);
      }
      BANK.verify(connection);
      assertThat(cluster.query("select count(*) from pgbench_history")).isEqualTo("120");

      cluster.execute("delete from pgbench_history where ctid = '(0,1)'");
      assertThatThrownBy(() -> BANK.verify(connection))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("accounts 200");
    }
  }

  @Test
  void aReconnectingLoadOutlivesAKilledServer() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      try (Connection connection = cluster.connect()) {
        BANK.initialize(connection);
      }
      try (var load = BANK.start(cluster::connect, Load.Plan.endless(2, 7).reconnecting())) {
        load.await(50);
        cluster.kill();
        cluster.start();
        load.await(load.steps() + 50);
      }
      try (Connection connection = cluster.connect()) {
        BANK.verify(connection);
      }
    }
  }

  @Test
  void aFailureOfAClientIsTheLoads() throws Exception {
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      var load = BANK.start(cluster::connect, Load.Plan.endless(2, 7));
      assertThatThrownBy(load::await).hasMessageContaining("\"pgbench_accounts\" does not exist");
      assertThatThrownBy(load::close).isInstanceOf(SQLException.class);
    }
  }
}
