package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;

import java.text.MessageFormat;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OutagesTest {

  private final Logger logger = Logger.getLogger(Outages.class.getName());
  private final List<String> lines = new ArrayList<>();
  private Instant now = Instant.parse("2026-11-27T00:00:00Z");
  private final Outages outages = new Outages("the store", () -> now);

  private final Handler recorder =
      new Handler() {
        @Override
        public void publish(LogRecord record) {
          lines.add(
              record.getLevel()
                  + " "
                  + MessageFormat.format(record.getMessage(), record.getParameters()));
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

  private void fail(int times) {
    for (int i = 0; i < times; i++) {
      outages.failed(new StoreException.Unavailable("it is away"));
    }
  }

  private void pass(Duration time) {
    now = now.plus(time);
  }

  @Test
  void twoFailuresInARowAreEveryday() {
    for (int i = 0; i < 5; i++) {
      fail(2);
      outages.answered();
    }
    assertThat(lines).isEmpty();
  }

  @Test
  void anOutageHasABeginningALineAnHourAndAnEnd() {
    outages.setWaiting(() -> "something waits");
    for (int minute = 0; minute < 150; minute++) {
      fail(10);
      pass(Duration.ofMinutes(1));
    }
    outages.answered();
    outages.answered();
    assertThat(lines)
        .containsExactly(
            "WARNING the store fails and is tried again: it is away",
            "WARNING the store has failed for 1 h 0 min; something waits: it is away",
            "WARNING the store has failed for 2 h 0 min; something waits: it is away",
            "INFO the store answers again after 2 h 30 min");
  }

  /// One operation fails, and others do not: that would be an outage each minute.
  @Test
  void whatFailsNowAndAgainIsNotSaidEachTime() {
    for (int minute = 0; minute < 150; minute++) {
      fail(4);
      pass(Duration.ofMinutes(1));
      outages.answered();
    }
    assertThat(lines)
        .containsExactly(
            "WARNING the store fails and is tried again: it is away",
            "INFO the store answers again after 1 min 0 s",
            "WARNING the store fails and is tried again: it is away",
            "INFO the store answers again after 1 min 0 s",
            "WARNING the store fails and is tried again: it is away",
            "INFO the store answers again after 1 min 0 s");
  }

  @Test
  void anotherOutageIsSaidAtOnce() {
    fail(3);
    outages.answered();
    pass(Duration.ofMinutes(11));
    fail(3);
    assertThat(lines).hasSize(3);
  }
}
