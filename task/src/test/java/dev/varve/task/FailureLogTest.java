package dev.varve.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What the log says of tasks that fail.
class FailureLogTest {

  private static final Backoff BACKOFF = new Backoff(Duration.ofMinutes(1), Duration.ofMinutes(1));

  private final SteppedThreads threads =
      new SteppedThreads(new SplittableRandom(1), Instant.parse("2026-11-22T00:00:00Z"));
  private final TaskManager manager = new TaskManager(threads, Duration.ofSeconds(10));
  private final Logger logger = Logger.getLogger(TaskManager.class.getName());
  private final List<String> sentences = new ArrayList<>();
  private final List<Throwable> traces = new ArrayList<>();
  private Exception failure = new IOException("disk full");

  private final Handler recorder =
      new Handler() {
        @Override
        public void publish(LogRecord record) {
          sentences.add(record.getMessage());
          if (record.getThrown() != null) {
            traces.add(record.getThrown());
          }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void record() {
    logger.addHandler(recorder);
    logger.setLevel(Level.INFO);
    logger.setUseParentHandlers(false);
  }

  @AfterEach
  void stop() {
    logger.removeHandler(recorder);
    logger.setLevel(null);
    logger.setUseParentHandlers(true);
  }

  private TaskSpec failing(String name) {
    return TaskSpec.once(
            TaskKind.SERVICE,
            name,
            _ -> {
              throw failure;
            })
        .restarting(BACKOFF);
  }

  @Test
  void aSentenceIsSaidWhenItIsAnotherOneOrAnHourLater() {
    manager.submit(failing("a"));
    threads.settle();
    assertThat(sentences)
        .containsExactly("a failed and is tried again in 60000 ms: IOException: disk full");
    threads.pass(Duration.ofMinutes(59));
    assertThat(sentences).hasSize(1);
    threads.pass(Duration.ofMinutes(1));
    assertThat(sentences).hasSize(2);
    failure = new IOException("disk broken");
    threads.pass(Duration.ofMinutes(2));
    assertThat(sentences).hasSize(3).last().asString().endsWith("disk broken");
  }

  @Test
  void aTraceComesOnceForEachPlace() {
    for (int i = 0; i < 20; i++) {
      manager.submit(failing("t" + i));
    }
    threads.pass(Duration.ofHours(3));
    assertThat(traces).containsExactly(failure);
    assertThat(sentences).hasSize(20 * 4);
    failure = new IllegalStateException("a bug");
    threads.pass(Duration.ofHours(3));
    assertThat(traces).hasSize(2).last().isSameAs(failure);
  }

  @Test
  void whatSomebodyElseSaysIsNotSaid() {
    manager.submit(failing("a").silentOf(IOException.class::isInstance));
    threads.pass(Duration.ofHours(3));
    assertThat(sentences).isEmpty();
    failure = new IllegalStateException("a bug");
    threads.pass(Duration.ofMinutes(1));
    assertThat(traces).containsExactly(failure);
  }
}
