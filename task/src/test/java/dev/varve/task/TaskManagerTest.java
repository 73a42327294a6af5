package dev.varve.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// On {@link SteppedThreads}: no test here depends on real time or real threads.
class TaskManagerTest {

  private static final Instant START = Instant.parse("2026-11-22T00:00:00Z");

  private final SteppedThreads threads = new SteppedThreads(new SplittableRandom(1), START);
  private final TaskManager manager = new TaskManager(threads, Duration.ofSeconds(10));
  private final List<String> events = new ArrayList<>();

  private TaskBody event(String name) {
    return _ -> events.add(name);
  }

  @Test
  void runsATaskOnce() {
    Task task = manager.submit(TaskSpec.once(TaskKind.SERVICE, "a", event("a")));
    assertThat(task.state()).isEqualTo(TaskState.WAITING);
    threads.settle();
    threads.pass(Duration.ofHours(1));
    assertThat(events).containsExactly("a");
    assertThat(task.state()).isEqualTo(TaskState.DONE);
    assertThat(task.end()).isCompleted();
    assertThat(manager.report()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void keepsTheOrderOfALaneWhateverTheThreadsDo(long seed) {
    var shuffled = new SteppedThreads(new SplittableRandom(seed), START);
    var tasks = new TaskManager(shuffled, Duration.ofSeconds(10));
    for (int i = 0; i < 10; i++) {
      tasks.submit(TaskSpec.once(TaskKind.STRUCTURE, "l", event("l" + i)).inLane("lane"));
      tasks.submit(TaskSpec.once(TaskKind.STRUCTURE, "m", event("m" + i)).inLane("other"));
    }
    shuffled.settle();
    assertThat(events.stream().filter(event -> event.startsWith("l")))
        .containsExactly("l0", "l1", "l2", "l3", "l4", "l5", "l6", "l7", "l8", "l9");
    assertThat(events).hasSize(20);
  }

  @Test
  void runsTheTasksOfALaneOneAtATime() {
    manager.submit(
        TaskSpec.once(
                TaskKind.STRUCTURE,
                "first",
                _ -> {
                  events.add("begin");
                  threads.settle(); // whatever could run beside it would run now
                  events.add("end");
                })
            .inLane("lane"));
    manager.submit(TaskSpec.once(TaskKind.STRUCTURE, "second", event("second")).inLane("lane"));
    threads.settle();
    assertThat(events).containsExactly("begin", "end", "second");
  }

  @Test
  void aFailureFreesTheLane() {
    Task failing =
        manager.submit(
            TaskSpec.once(
                    TaskKind.STRUCTURE,
                    "failing",
                    _ -> {
                      throw new IOException("disk full");
                    })
                .inLane("lane"));
    manager.submit(TaskSpec.once(TaskKind.STRUCTURE, "second", event("second")).inLane("lane"));
    threads.settle();
    assertThat(events).containsExactly("second");
    assertThat(failing.state()).isEqualTo(TaskState.FAILED);
    assertThat(failing.end()).isCompletedExceptionally();
    assertThat(manager.report())
        .singleElement()
        .satisfies(report -> {
          assertThat(report.lastFailure()).isEqualTo("IOException: disk full");
          assertThat(report.failures()).isEqualTo(1);
        });
  }

  @Test
  void aCancelledTaskDoesNotRunAndDoesNotHoldItsLane() {
    Task first = manager.submit(TaskSpec.once(TaskKind.STRUCTURE, "a", event("a")).inLane("lane"));
    manager.submit(TaskSpec.once(TaskKind.STRUCTURE, "b", event("b")).inLane("lane"));
    first.cancel();
    threads.settle();
    assertThat(events).containsExactly("b");
    assertThat(first.state()).isEqualTo(TaskState.CANCELLED);
    assertThatThrownBy(() -> first.end().get()).isInstanceOf(CancellationException.class);
  }

  @Test
  void repeatsAtItsPeriod() {
    Task task =
        manager.submit(
            TaskSpec.every(
                TaskKind.HOUSEKEEPING,
                "clean",
                Duration.ofSeconds(10),
                _ -> events.add(threads.clock().instant().toString())));
    threads.pass(Duration.ofSeconds(25));
    assertThat(events).containsExactly("2026-11-22T00:00:10Z", "2026-11-22T00:00:20Z");
    assertThat(task.report().nextRun()).isEqualTo(START.plusSeconds(30));
    task.wake();
    threads.settle();
    assertThat(events).hasSize(3);
    threads.pass(Duration.ofSeconds(9));
    assertThat(events).hasSize(3); // the period begins anew with each run
    task.cancel();
    threads.pass(Duration.ofHours(1));
    assertThat(events).hasSize(3);
  }

  @Test
  void onlyAHurryEndsABackOff() {
    var fails = new boolean[] {true};
    Task task =
        manager.submit(
            TaskSpec.onDemand(
                TaskKind.UPLOAD,
                "upload",
                new Backoff(Duration.ofSeconds(30), Duration.ofMinutes(1)),
                _ -> {
                  events.add("run");
                  if (fails[0]) {
                    throw new IOException("no route to host");
                  }
                }));
    task.wake();
    threads.settle();
    assertThat(task.state()).isEqualTo(TaskState.BACKING_OFF);
    task.wake();
    threads.settle();
    assertThat(events).hasSize(1);
    task.hurry();
    threads.settle();
    assertThat(events).hasSize(2);
    assertThat(task.report().nextRun()).as("it has failed twice").isEqualTo(START.plusSeconds(60));
    fails[0] = false;
    task.hurry();
    threads.settle();
    assertThat(events).hasSize(3);
    assertThat(task.state()).isEqualTo(TaskState.IDLE);
    threads.pass(Duration.ofHours(1));
    assertThat(events).as("the timer of the back-off is gone").hasSize(3);
    task.hurry();
    threads.settle();
    assertThat(events).hasSize(4);
  }

  @Test
  void aRunThatFailsIsFollowedByOneAtOnceForWhoHurriedMeanwhile() {
    Task task =
        manager.submit(
            TaskSpec.onDemand(
                TaskKind.UPLOAD,
                "upload",
                new Backoff(Duration.ofSeconds(30), Duration.ofMinutes(1)),
                self -> {
                  events.add("run");
                  if (events.size() == 1) {
                    self.hurry();
                  }
                  throw new IOException("no route to host");
                }));
    task.wake();
    threads.settle();
    assertThat(events).hasSize(2);
    assertThat(task.state()).isEqualTo(TaskState.BACKING_OFF);
    threads.pass(Duration.ofSeconds(59));
    assertThat(events).hasSize(2);
    threads.pass(Duration.ofSeconds(1));
    assertThat(events).hasSize(3);
  }

  @Test
  void backsOffLongerAndLongerUpToABoundAndStartsOverAfterSuccess() {
    var fails = new boolean[] {true};
    Task task =
        manager.submit(
            TaskSpec.once(
                    TaskKind.WAL_RECEIVER,
                    "follow",
                    _ -> {
                      long second = threads.clock().instant().getEpochSecond();
                      events.add("+" + (second - START.getEpochSecond()));
                      if (fails[0]) {
                        throw new IOException("no route to host");
                      }
                    })
                .restarting(new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(5))));
    threads.settle();
    assertThat(task.state()).isEqualTo(TaskState.BACKING_OFF);
    threads.pass(Duration.ofSeconds(18));
    assertThat(events).containsExactly("+0", "+1", "+3", "+7", "+12", "+17");
    TaskReport report = task.report();
    assertThat(report.lastFailure()).isEqualTo("IOException: no route to host");
    assertThat(report.failures()).isEqualTo(6);
    assertThat(report.nextRun()).isEqualTo(START.plusSeconds(22));
    task.wake(); // does not shorten the delay
    threads.settle();
    assertThat(events).hasSize(6);
    fails[0] = false;
    threads.pass(Duration.ofSeconds(5));
    assertThat(events).hasSize(7).last().isEqualTo("+22");
    assertThat(task.state()).isEqualTo(TaskState.DONE);
  }

  @Test
  void aWakeDuringARunMakesOneMore() {
    Task task =
        manager.submit(
            TaskSpec.onDemand(
                TaskKind.FLUSH,
                "flush",
                new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(5)),
                self -> {
                  events.add("run");
                  if (events.size() == 1) {
                    self.wake();
                    self.wake();
                  }
                }));
    threads.settle();
    assertThat(events).isEmpty();
    assertThat(task.state()).isEqualTo(TaskState.IDLE);
    task.wake();
    task.wake();
    threads.settle();
    assertThat(events).containsExactly("run", "run");
    assertThat(task.state()).isEqualTo(TaskState.IDLE);
  }

  @Test
  void callGivesWhatTheBodyGivesAndThrowsWhatItThrows() throws Exception {
    assertThat(manager.call(TaskKind.STRUCTURE, "a", "lane", () -> 7)).isEqualTo(7);
    assertThatThrownBy(() ->
            manager.call(
                TaskKind.STRUCTURE,
                "b",
                "lane",
                () -> {
                  throw new IOException("no");
                }))
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseMessage("no");
  }

  @Test
  void closingLetsQueuedTasksFinishAndAcceptsNoMore() {
    manager.submit(TaskSpec.once(TaskKind.STRUCTURE, "a", event("a")).inLane("lane"));
    manager.submit(TaskSpec.once(TaskKind.STRUCTURE, "b", event("b")).inLane("lane"));
    Task repeated =
        manager.submit(
            TaskSpec.every(TaskKind.HOUSEKEEPING, "c", Duration.ofSeconds(1), event("c")));
    manager.close();
    assertThat(events).containsExactly("a", "b");
    assertThat(repeated.state()).isEqualTo(TaskState.CANCELLED);
    assertThatThrownBy(() -> manager.submit(TaskSpec.once(TaskKind.SERVICE, "d", event("d"))))
        .isInstanceOf(RejectedExecutionException.class);
  }
}
