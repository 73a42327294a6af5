package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.remote.StoreException;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.text.MessageFormat;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the log says while the object store is away: little, however many timelines wait for it.
class OutageLogTest {

  private static final int BRANCHES = 10;

  @TempDir private Path directory;
  private final Logger logger = Logger.getLogger("dev.varve");
  private final Recorder recorder = new Recorder();
  private @Nullable Level before;
  private Bucket bucket;
  private SimulatedServer server;

  private record Line(Level level, String sentence, @Nullable Throwable trace) {}

  private static final class Recorder extends Handler {

    final List<Line> lines = new ArrayList<>();

    @Override
    public void publish(LogRecord record) {
      if (record.getLevel().intValue() >= Level.INFO.intValue()) {
        Object[] parameters = record.getParameters();
        String text = record.getMessage();
        lines.add(
            new Line(
                record.getLevel(),
                parameters == null ? text : MessageFormat.format(text, parameters),
                record.getThrown()));
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @BeforeEach
  void open() throws IOException {
    bucket = new Bucket(directory);
    server = bucket.open(new SimulatedDisk());
    Timeline prod = UploadsTest.root(server);
    for (int i = 0; i < BRANCHES; i++) {
      server.tenants.branch(prod, new TimelineId(2, i), "b" + i, new Lsn(START));
    }
    server.threads.pass(Duration.ofHours(4));
    before = logger.getLevel();
    logger.setLevel(Level.INFO);
    logger.setUseParentHandlers(false);
    logger.addHandler(recorder);
  }

  @AfterEach
  void removeRecorder() {
    logger.removeHandler(recorder);
    logger.setUseParentHandlers(true);
    logger.setLevel(before);
  }

  /// Each has something to be uploaded.
  private void write() {
    for (Timeline timeline : server.tenants.timelines()) {
      long last = timeline.lastRecordLsn().value();
      try (Ingest ingest = timeline.ingest()) {
        Fixture.putImage(ingest, 1, last + 8, last);
        ingest.advance(last + 8);
      }
      timeline.checkpoint();
    }
  }

  private List<String> sentences(Level level) {
    return recorder.lines.stream()
        .filter(line -> line.level.equals(level))
        .map(Line::sentence)
        .toList();
  }

  @Test
  void aLongOutageIsALineAnHour() {
    bucket.store.fail((_, _) -> {
      throw new StoreException.Unavailable("bucket: no route to host");
    });
    write();
    server.threads.pass(Duration.ofHours(13));
    bucket.store.fail((_, _) -> {});
    server.threads.pass(Duration.ofHours(4));
    assertThat(recorder.lines).extracting(Line::trace).containsOnlyNulls();
    List<String> warnings = sentences(Level.WARNING);
    assertThat(warnings.getFirst())
        .startsWith("the object store fails and is tried again: bucket: no route to host");
    assertThat(warnings.get(1))
        .matches(
            "the object store has failed for 1 h \\d+ min; 11 timelines wait to be uploaded, with"
                + " 11 layers of 0 MiB: bucket: no route to host.*");
    assertThat(warnings).as("three hours passed before the first attempt").hasSizeBetween(9, 11);
    assertThat(sentences(Level.INFO))
        .singleElement()
        .asString()
        .matches("the object store answers again after (9|10) h \\d+ min");
  }

  @Test
  void anAuthorityThatIsAwayIsALineAnHour() {
    bucket.silence("etcd: no route to host");
    write();
    server.threads.pass(Duration.ofHours(13));
    bucket.silence(null);
    server.threads.pass(Duration.ofHours(4));
    assertThat(recorder.lines).extracting(Line::trace).containsOnlyNulls();
    List<String> warnings = sentences(Level.WARNING);
    assertThat(warnings.getFirst())
        .isEqualTo(
            "the authority over generations fails and is tried again: etcd: no route to host");
    assertThat(warnings).as("it is asked each minute").hasSize(13);
    assertThat(sentences(Level.INFO)).hasSize(1);
  }

  @Test
  void aBugIsTracedOnce() {
    bucket.store.fail((_, _) -> {
      throw new IllegalStateException("a bug");
    });
    write();
    server.threads.pass(Duration.ofHours(13));
    assertThat(recorder.lines.stream().filter(line -> line.trace != null))
        .as("from the store, for all timelines")
        .hasSize(1);
    assertThat(recorder.lines.getFirst().sentence).contains("a bug");
    assertThat(sentences(Level.WARNING)).as("a sentence of each an hour").hasSizeLessThan(12 * 12);
  }
}
