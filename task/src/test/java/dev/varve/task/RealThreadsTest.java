package dev.varve.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RealThreadsTest {

  private static TaskManager manager(Duration drainLimit) {
    return new TaskManager(new RealThreads(InstantSource.system(), 2), drainLimit);
  }

  @Test
  void runsWhatWaitsOnVirtualThreadsAndWhatComputesOnAPool() throws Exception {
    try (TaskManager manager = manager(Duration.ofSeconds(10))) {
      boolean waiting =
          manager.call(TaskKind.HOUSEKEEPING, "w", "a", () -> Thread.currentThread().isVirtual());
      boolean computing =
          manager.call(TaskKind.FLUSH, "c", "a", () -> Thread.currentThread().isVirtual());
      assertThat(waiting).isTrue();
      assertThat(computing).isFalse();
    }
  }

  @Test
  void aShortStepDoesNotWaitForVirtualThreadsThatCompute() throws Exception {
    var stop = new AtomicBoolean();
    try (TaskManager manager = manager(Duration.ofSeconds(10))) {
      int many = 4 * Runtime.getRuntime().availableProcessors();
      for (int i = 0; i < many; i++) {
        manager.submit(
            TaskSpec.once(
                TaskKind.SERVICE,
                "busy",
                _ -> {
                  while (!stop.get()) {
                    Thread.onSpinWait();
                  }
                }));
      }
      Task step = manager.submit(TaskSpec.once(TaskKind.STRUCTURE, "step", _ -> {}));
      boolean done = manager.await(step.end(), Duration.ofSeconds(20));
      stop.set(true);
      assertThat(done).isTrue();
    }
  }

  @Test
  void cancellingInterruptsWhatWaits() throws Exception {
    try (TaskManager manager = manager(Duration.ofSeconds(10))) {
      var begun = new CountDownLatch(1);
      var interrupted = new CompletableFuture<Boolean>();
      Task task =
          manager.submit(
              TaskSpec.once(
                  TaskKind.WAL_RECEIVER,
                  "wait",
                  self -> {
                    begun.countDown();
                    try {
                      new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                      interrupted.complete(self.isCancelled());
                      throw e;
                    }
                  }));
      begun.await();
      task.cancel();
      assertThat(interrupted.get(10, TimeUnit.SECONDS)).isTrue();
      manager.await(task.end(), Duration.ofSeconds(10));
      assertThat(task.state()).isEqualTo(TaskState.CANCELLED);
    }
  }

  @Test
  void oneLaneNeverRunsTwoTasksAtOnce() throws Exception {
    var inside = new AtomicInteger();
    var most = new AtomicInteger();
    var done = new CountDownLatch(500);
    try (TaskManager manager = manager(Duration.ofSeconds(10))) {
      for (int i = 0; i < 500; i++) {
        TaskKind kind = i % 3 == 0 ? TaskKind.FLUSH : TaskKind.STRUCTURE;
        manager.submit(
            TaskSpec.once(
                    kind,
                    "t",
                    _ -> {
                      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                      Thread.onSpinWait();
                      inside.decrementAndGet();
                      done.countDown();
                    })
                .inLane("lane"));
      }
      assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(most).hasValue(1);
  }

  @Test
  void closingCancelsAtTheLimitWhatDoesNotEnd() throws Exception {
    TaskManager manager = manager(Duration.ofMillis(50));
    var begun = new CountDownLatch(1);
    Task task =
        manager.submit(
            TaskSpec.once(
                TaskKind.SERVICE,
                "forever",
                _ -> {
                  begun.countDown();
                  new CountDownLatch(1).await();
                }));
    begun.await();
    manager.close();
    assertThat(task.state()).isEqualTo(TaskState.CANCELLED);
  }

  @Test
  void closingDoesNotWaitForEverForWhatIgnoresIt() throws Exception {
    TaskManager manager = manager(Duration.ofMillis(50));
    var stop = new AtomicBoolean();
    var begun = new CountDownLatch(1);
    manager.submit(
        TaskSpec.once(
            TaskKind.SERVICE,
            "stubborn",
            _ -> {
              begun.countDown();
              while (!stop.get()) {
                Thread.onSpinWait();
              }
            }));
    begun.await();
    manager.close(); // the test's timeout is the assertion
    stop.set(true);
  }
}
