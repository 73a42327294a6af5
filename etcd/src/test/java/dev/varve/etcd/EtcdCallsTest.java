package dev.varve.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.remote.StoreException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/// Calls that get no answer: whoever tries again must hear of each as a failure of the authority.
class EtcdCallsTest {

  @Test
  void aCallThatIsGivenUpOrTakesTooLongHasFailed() throws Exception {
    EtcdCalls calls =
        EtcdCalls.open(EtcdAddress.parse("etcd://127.0.0.1:1/varve"), Duration.ofMillis(50));
    try (var client = calls.client()) {
      assertThat(client).isNotNull();
      var cancelled = new CompletableFuture<String>();
      cancelled.cancel(true);
      assertThatThrownBy(() -> calls.answer("question", cancelled))
          .isInstanceOf(StoreException.Unavailable.class)
          .hasMessageContaining("question was given up");
      assertThatThrownBy(() -> calls.answer("question", new CompletableFuture<String>()))
          .isInstanceOf(StoreException.Unavailable.class)
          .hasMessageContaining("question had no answer within 50 ms");
    }
  }
}
