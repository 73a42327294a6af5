package dev.varve.walreceiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.PgConnection;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/// Of a primary and its standby, the one that is asked for.
class SessionAttributesTest {

  @Test
  void theHostThatFitsIsTaken() throws Exception {
    try (var primary = LocalCluster.builder(PostgresBinaries.of(17)).start();
        var standby = Standby.of(primary)) {
      String both =
          "host=127.0.0.1,127.0.0.1 port=%d,%d user=postgres target_session_attrs="
              .formatted(standby.port(), primary.port());
      for (PgConnection.Purpose purpose : PgConnection.Purpose.values()) {
        assertThat(port(both + "any", purpose)).isEqualTo(standby.port());
        assertThat(port(both + "primary", purpose)).isEqualTo(primary.port());
        assertThat(port(both + "read-write", purpose)).isEqualTo(primary.port());
        assertThat(port(both + "standby", purpose)).isEqualTo(standby.port());
        assertThat(port(both + "read-only", purpose)).isEqualTo(standby.port());
      }
      String primaryAlone =
          "host=127.0.0.1 port=%d user=postgres target_session_attrs=".formatted(primary.port());
      assertThat(port(primaryAlone + "prefer-standby", PgConnection.Purpose.SQL))
          .isEqualTo(primary.port());
      assertThatThrownBy(() -> port(primaryAlone + "standby", PgConnection.Purpose.SQL))
          .hasMessage(
              "127.0.0.1:" + primary.port() + " is not what target_session_attrs=standby asks for");
    }
  }

  private static int port(String conninfo, PgConnection.Purpose purpose) throws IOException {
    try (PgConnection connection = PgConnection.open(ConnectionInfo.parse(conninfo), purpose)) {
      return connection.host().port();
    }
  }
}
