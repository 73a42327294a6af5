package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException;
import dev.varve.task.RealThreads;
import dev.varve.task.SteppedThreads;
import dev.varve.task.TaskManager;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class LastRecordTest {

  private static final Duration LONG = Duration.ofSeconds(30);

  private final TaskManager tasks =
      new TaskManager(new RealThreads(InstantSource.system(), 1), Duration.ofSeconds(1));
  private final LastRecord last = new LastRecord("main", 100);

  @AfterEach
  void close() {
    tasks.close();
  }

  @Test
  void doesNotWaitForWhatIsThere() {
    last.await(100, Duration.ZERO, tasks);
    last.publish(0x8000_0000_0000_0000L); // unsigned
    last.await(0x7FFF_FFFF_FFFF_FFFFL, Duration.ZERO, tasks);
  }

  @Test
  void saysBothLsnsAtTheTimeout() {
    assertThatThrownBy(() -> last.await(0x1_0000_0101L, Duration.ofMillis(10), tasks))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessage(
            "timeline \"main\" has not received WAL up to 1/101 within 10 ms; it has it up to"
                + " 0/64");
  }

  @Test
  void wakesAWaiterAtTheVeryLsn() {
    var stepped = new SteppedThreads(new SplittableRandom(1), Instant.EPOCH);
    var steppedTasks = new TaskManager(stepped, Duration.ofSeconds(1));
    stepped.schedule(Duration.ofSeconds(1), () -> last.publish(199));
    stepped.schedule(Duration.ofSeconds(2), () -> last.publish(200));
    last.await(200, LONG, steppedTasks);
    assertThat(stepped.clock().instant()).isEqualTo(Instant.EPOCH.plusSeconds(2));
  }

  @Test
  void wakesEveryWaiterWhenItsLsnIsReached() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var waits = new ArrayList<Future<Long>>();
      for (int i = 1; i <= 2_000; i++) {
        long wanted = 100L + i;
        waits.add(
            threads.submit(() -> {
              last.await(wanted, LONG, tasks);
              return last.get() - wanted;
            }));
      }
      for (int i = 1; i <= 2_000; i++) {
        last.publish(100L + i);
      }
      for (Future<Long> wait : waits) {
        assertThat(wait.get(20, TimeUnit.SECONDS)).isNotNegative();
      }
    }
  }

  @Test
  void tellsAllWhoWaitThatItEnds() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> wait = threads.submit(() -> last.await(200, LONG, tasks));
      last.end("it is gone");
      assertThatThrownBy(() -> wait.get(20, TimeUnit.SECONDS)).hasMessageContaining("it is gone");
      assertThatThrownBy(() -> last.await(200, LONG, tasks)).hasMessage("it is gone");
    }
  }
}
