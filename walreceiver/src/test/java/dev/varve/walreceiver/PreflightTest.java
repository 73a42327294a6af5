package dev.varve.walreceiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.FakeServer;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreflightTest {

  private static ClusterBuilder server(int major) throws IOException {
    return LocalCluster.builder(PostgresBinaries.of(major));
  }

  private static SourceFacts check(LocalCluster cluster, String more) throws IOException {
    String text = cluster.connectionString("postgres") + " " + more;
    try (var client = ReplicationClient.connect(ConnectionInfo.parse(text))) {
      return Preflight.check(client);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void aUsualServerWillDo(int major) throws Exception {
    try (var cluster = server(major).checksums(major != 16).walSegmentMegabytes(4).start()) {
      SourceFacts facts = check(cluster, "");
      assertThat(facts.major()).isEqualTo(major);
      assertThat(facts.walSegmentSize()).isEqualTo(4 << 20);
      assertThat(facts.checksums()).isEqualTo(major != 16);
      assertThat(facts.identity().systemIdText())
          .isEqualTo(cluster.query("select system_identifier from pg_control_system()"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 18})
  void walLevelMinimalIsSaid(int major) throws Exception {
    try (var cluster =
        server(major).setting("wal_level", "minimal").setting("max_wal_senders", "0").start()) {
      assertThatThrownBy(() -> check(cluster, ""))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("set wal_level = replica and max_wal_senders = 10 and restart");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "max_replication_slots, 0, max_replication_slots = 0; set it to 10",
    "max_wal_senders, 1, Varve needs 2",
  })
  void tooFewSlotsOrSendersAreSaid(String setting, String value, String finding) throws Exception {
    try (var cluster = server(17).setting(setting, value).start()) {
      assertThatThrownBy(() -> check(cluster, ""))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(finding);
    }
  }

  @Test
  void takenSlotsAndSendersAreSaid() throws Exception {
    try (var cluster =
        server(15).setting("max_replication_slots", "1").setting("max_wal_senders", "2").start()) {
      ConnectionInfo info = ConnectionInfo.parse(cluster.connectionString("postgres"));
      try (var first = ReplicationClient.connect(info);
          var second = ReplicationClient.connect(info)) {
        first.createPhysicalSlot("a", false);
        assertThatThrownBy(() -> second.createPhysicalSlot("b", false))
            .hasMessageContaining("raise max_replication_slots");
        assertThatThrownBy(() -> ReplicationClient.connect(info))
            .hasMessageContaining("raise max_wal_senders");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 16})
  void aMissingRightIsSaid(int major) throws Exception {
    try (var cluster = server(major).start()) {
      cluster.execute("create role limited login");
      assertThatThrownBy(() -> check(cluster, "user=limited"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("run ALTER ROLE … REPLICATION for this user");
    }
  }

  @Test
  void aMissingLineOfPgHbaIsSaid() throws Exception {
    try (var cluster = server(17).hba("host replication all 127.0.0.1/32 reject").start()) {
      assertThatThrownBy(() -> check(cluster, ""))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("pg_hba.conf")
          .hasMessageContaining("with the database \"replication\"");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"13.22", "9.6.24", "19.0", "20devel"})
  void anotherVersionIsSaid(String version) throws Exception {
    byte[] speech =
        new FakeServer.Speech()
            .message('R', FakeServer.int32(0))
            .message('S', FakeServer.text("server_version"), FakeServer.text(version))
            .ready()
            .toBytes();
    try (var server = new FakeServer(speech, true);
        var client = ReplicationClient.connect(server.info())) {
      assertThatThrownBy(() -> Preflight.check(client))
          .hasMessageContaining("Varve follows versions 14 to 18");
    }
  }

  @Test
  void aStandbyIsSaid() throws Exception {
    try (var cluster = server(14).start()) {
      try (var standby = Standby.of(cluster)) {
        assertThatThrownBy(() -> check(standby, ""))
            .hasMessageContaining("is a standby; give its primary");
      }
    }
  }
}
