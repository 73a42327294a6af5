package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.task.RealThreads;
import dev.varve.task.TaskThreads;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class PermitsTest {

  private static final Duration LONG = Duration.ofSeconds(20);

  private final TaskThreads threads = new RealThreads(InstantSource.system(), 1);
  private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
  private final List<String> order = Collections.synchronizedList(new ArrayList<>());

  @AfterEach
  void close() {
    workers.shutdownNow();
    workers.close();
    threads.close();
  }

  /// Has somebody wait, and note when he is let in.
  private Future<?> waiter(Permits permits, Urgency urgency, String name) throws Exception {
    int before = permits.waiting(urgency);
    Future<?> waiter =
        workers.submit(() -> {
          assertThat(permits.acquire(urgency, LONG)).isTrue();
          order.add(name);
          permits.release(urgency);
          return name;
        });
    while (permits.waiting(urgency) == before) {
      Thread.sleep(1);
    }
    return waiter;
  }

  @Test
  void theUrgentGoFirstAndEqualsInTurn() throws Exception {
    var permits = new Permits(threads, 1);
    assertThat(permits.acquire(Urgency.BACKGROUND, LONG)).isTrue();
    var waiters = new ArrayList<Future<?>>();
    for (Urgency urgency :
        List.of(Urgency.BACKGROUND, Urgency.UPLOAD, Urgency.READ, Urgency.UPLOAD, Urgency.READ)) {
      waiters.add(waiter(permits, urgency, urgency + " " + waiters.size()));
    }
    permits.release(Urgency.BACKGROUND);
    for (Future<?> waiter : waiters) {
      waiter.get();
    }
    assertThat(order).containsExactly("READ 2", "READ 4", "UPLOAD 1", "UPLOAD 3", "BACKGROUND 0");
  }

  @Test
  void whoIsPassedOverGoesAtLast() throws Exception {
    var permits = new Permits(threads, 1);
    assertThat(permits.acquire(Urgency.READ, LONG)).isTrue();
    var waiters = new ArrayList<Future<?>>();
    waiters.add(waiter(permits, Urgency.BACKGROUND, "background"));
    waiters.add(waiter(permits, Urgency.UPLOAD, "upload"));
    for (int i = 0; i < 30; i++) {
      waiters.add(waiter(permits, Urgency.READ, "read"));
    }
    permits.release(Urgency.READ);
    for (Future<?> waiter : waiters) {
      waiter.get();
    }
    assertThat(order.indexOf("background")).isEqualTo(Permits.MOST_PASSED_OVER);
    assertThat(order.indexOf("upload")).isEqualTo(Permits.MOST_PASSED_OVER + 1);
  }

  @Test
  void readsFindRoomWhileOthersWait() throws Exception {
    var permits = new Permits(threads, 8);
    for (int i = 0; i < 6; i++) {
      assertThat(permits.acquire(Urgency.UPLOAD, LONG)).isTrue();
    }
    assertThat(permits.acquire(Urgency.UPLOAD, Duration.ofMillis(1))).isFalse();
    assertThat(permits.acquire(Urgency.BACKGROUND, Duration.ofMillis(1))).isFalse();
    assertThat(permits.acquire(Urgency.READ, LONG)).isTrue();
    assertThat(permits.acquire(Urgency.READ, LONG)).isTrue();
    assertThat(permits.acquire(Urgency.READ, Duration.ofMillis(1))).isFalse();
    permits.release(Urgency.UPLOAD);
    assertThat(permits.acquire(Urgency.READ, LONG)).isTrue();
  }

  @Test
  void theBackgroundHasHalf() throws Exception {
    var permits = new Permits(threads, 8);
    for (int i = 0; i < 4; i++) {
      assertThat(permits.acquire(Urgency.BACKGROUND, LONG)).isTrue();
    }
    assertThat(permits.acquire(Urgency.BACKGROUND, Duration.ofMillis(1))).isFalse();
    assertThat(permits.acquire(Urgency.UPLOAD, LONG)).isTrue();
  }

  @Test
  void whoIsInterruptedLeavesNothingBehind() throws Exception {
    var permits = new Permits(threads, 1);
    assertThat(permits.acquire(Urgency.READ, LONG)).isTrue();
    Future<?> waiter = waiter(permits, Urgency.UPLOAD, "interrupted");
    waiter.cancel(true);
    while (permits.waiting(Urgency.UPLOAD) > 0) {
      Thread.sleep(1);
    }
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> permits.acquire(Urgency.READ, LONG))
        .isInstanceOf(InterruptedException.class);
    permits.release(Urgency.READ);
    assertThat(permits.acquire(Urgency.BACKGROUND, LONG)).isTrue();
    assertThat(order).isEmpty();
  }

  @Test
  void neverAreMoreUnderWayThanMayBe() throws Exception {
    var permits = new Permits(threads, 5);
    List<Urgency> all = List.of(Urgency.values());
    var now = new AtomicInteger();
    var most = new AtomicInteger();
    var work = new ArrayList<Future<?>>();
    for (int i = 0; i < 60; i++) {
      var random = new SplittableRandom(i);
      work.add(
          workers.submit(() -> {
            for (int j = 0; j < 50; j++) {
              Urgency urgency = all.get(random.nextInt(all.size()));
              if (permits.acquire(urgency, Duration.ofNanos(random.nextInt(1_000_000)))) {
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
                Thread.sleep(0, 1000);
                now.decrementAndGet();
                permits.release(urgency);
              }
            }
            return true;
          }));
    }
    for (Future<?> each : work) {
      each.get();
    }
    assertThat(most.get()).isBetween(2, 5);
    for (int i = 0; i < 5; i++) {
      assertThat(permits.acquire(Urgency.READ, LONG)).as("all were given back").isTrue();
    }
    assertThat(permits.acquire(Urgency.READ, Duration.ofMillis(1))).isFalse();
  }
}
