package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Timelines that nobody uses hold no list of their layers, and nobody notices.
class RestTest {

  private final AtRest at = new AtRest();

  @Test
  void whatIsAskedOfAnIdleTimelineIsKnownWithoutItsLayers() throws IOException {
    SimulatedServer server = at.started(RetentionSettings.KEEP_ALL);
    Timeline prod = AtRest.find(server, "prod");
    assertThat(prod.layerCount()).isEqualTo(2);
    assertThat(prod.layersByLevel()).startsWith(2, 0).hasSize(16);
    long bytes = prod.layerBytes();
    assertThat(prod.state()).isEqualTo(new TimelineState.Active());
    assertThat(prod.lastRecordLsn()).isEqualTo(new Lsn(at.written.last()));
    assertThat(prod.readableFrom()).isEqualTo(new Lsn(START));
    assertThat(prod.damagedFiles()).isEmpty();
    prod.checkpoint();
    server.threads.pass(Duration.ofHours(5));
    assertThat(AtRest.isAtRest(prod)).isTrue();
    at.written.check(prod, START);
    assertThat(AtRest.isAtRest(prod)).isFalse();
    assertThat(prod.layerCount()).isEqualTo(2);
    assertThat(prod.layersByLevel()).startsWith(2, 0).hasSize(16);
    assertThat(prod.layerBytes()).isEqualTo(bytes);
  }

  @Test
  void aTimelineRestsWhenItWasNotUsedForAWhile() throws IOException {
    SimulatedServer server = at.started(RetentionSettings.KEEP_ALL);
    Timeline prod = AtRest.find(server, "prod");
    for (int i = 0; i < 5; i++) {
      at.written.checkAt(prod, at.written.last());
      server.threads.pass(Duration.ofMinutes(9));
      assertThat(AtRest.isAtRest(prod)).isFalse();
    }
    assertThat(server.tenants.resources().openFiles()).isPositive();
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(AtRest.isAtRest(prod)).isTrue();
    assertThat(server.tenants.resources().openFiles()).isZero();
    at.written.check(prod, START);
  }

  @Test
  void oneThatIsInUseDoesNotRest() throws IOException {
    SimulatedServer server = at.started(RetentionSettings.KEEP_ALL);
    Timeline prod = AtRest.find(server, "prod");
    LayerMap map = prod.index().maps().acquire();
    prod.rest();
    assertThat(AtRest.isAtRest(prod)).as("while it is read").isFalse();
    try (Ingest ingest = prod.ingest()) {
      at.written.image(ingest, 5);
      map.release();
      server.threads.pass(AtRest.IDLE);
      prod.rest();
      assertThat(AtRest.isAtRest(prod)).as("while it has a writer").isFalse();
      at.written.image(ingest, 5);
    }
    prod.rest();
    assertThat(AtRest.isAtRest(prod)).as("while there is something in memory").isFalse();
    prod.checkpoint();
    prod.rest();
    assertThat(AtRest.isAtRest(prod)).isTrue();
    at.written.check(prod, START);
  }

  @ParameterizedTest
  @EnumSource
  void allCanBeDoneAtRest(AtRest.Deed deed) throws IOException {
    RetentionSettings retention =
        deed == AtRest.Deed.CUTOFF ? AtRest.SHORT : RetentionSettings.KEEP_ALL;
    SimulatedServer server = at.started(retention);
    at.run(deed, server);
    requireAll(server, deed);
    requireAll(at.restarted(server, retention), deed);
  }

  private void requireAll(SimulatedServer server, AtRest.Deed deed) throws IOException {
    Timeline prod = AtRest.find(server, "prod");
    assertThat(prod.state()).isEqualTo(new TimelineState.Active());
    assertThat(prod.layerCount())
        .isEqualTo(prod.index().files().readIndex().layers().size())
        .isEqualTo(
            switch (deed) {
              case INGEST, OPEN_LAYER -> 3;
              case MERGE -> 1;
              default -> 2;
            });
    at.written.check(prod, prod.readableFrom().value());
    server.threads.pass(AtRest.IDLE);
    assertThat(AtRest.isAtRest(prod)).isTrue();
    at.written.check(prod, prod.readableFrom().value());
  }

  @Test
  void oneCanBeDeletedAtRest() throws IOException {
    SimulatedServer server = at.started(RetentionSettings.KEEP_ALL);
    server.tenants.delete(AtRest.find(server, "branch"));
    server.tenants.delete(AtRest.find(server, "prod"));
    assertThat(server.tenants.timelines()).isEmpty();
    assertThat(server.disk.syncedFiles()).noneMatch(file -> file.toString().contains("tenants"));
  }

  @Test
  void aDamagedFileStaysKnownAndIsTakenBack() throws IOException {
    SimulatedServer server = at.started(RetentionSettings.KEEP_ALL);
    Path layer = newestLayer(AtRest.find(server, "prod"));
    byte[] good = Files.readAllBytes(layer);
    Files.delete(layer);
    server = at.restarted(server, RetentionSettings.KEEP_ALL);
    Timeline prod = AtRest.find(server, "prod");
    assertThat(prod.damagedFiles()).extracting(DamagedFile::file).hasSize(1);
    server.threads.pass(AtRest.IDLE);
    assertThat(prod.damagedFiles()).hasSize(1);
    assertThat(AtRest.isAtRest(prod)).as("after it was looked at").isTrue();
    Files.write(prod.damagedFiles().getFirst().file(), good);
    server.threads.pass(Duration.ofHours(2));
    assertThat(prod.damagedFiles()).isEmpty();
    assertThat(AtRest.isAtRest(prod)).isTrue();
    at.written.check(prod, START);
  }

  private static Path newestLayer(Timeline timeline) throws IOException {
    try (Stream<Path> files = Files.list(timeline.index().files().directory())) {
      return files.filter(file -> file.toString().endsWith("-v1")).sorted().toList().getLast();
    }
  }

  @Test
  void garbageCollectionThatHasNothingToMoveDoesNotWakeIt() throws IOException {
    Duration interval = Duration.ofDays(7);
    SimulatedServer server =
        at.started(new RetentionSettings(Written.STEP, interval, Duration.ofMinutes(5)));
    Timeline prod = AtRest.find(server, "prod");
    server.threads.pass(Duration.ofMinutes(6));
    assertThat(prod.readableFrom()).isEqualTo(new Lsn(at.written.last() - Written.STEP));
    int lookUpsBefore = at.lookUps;
    long operations = server.disk.operations();
    server.threads.pass(Duration.ofHours(5));
    assertThat(AtRest.isAtRest(prod)).isTrue();
    assertThat(at.lookUps).as("looks at when what was").isEqualTo(lookUpsBefore);
    assertThat(server.disk.operations()).isEqualTo(operations);
  }

  @Test
  void whatWasCommittedWhenIsSeldomLookedUpAtRest() throws IOException {
    Duration interval = Duration.ofDays(8);
    var retention = new RetentionSettings(Written.STEP, interval, Duration.ofMinutes(5));
    SimulatedServer server = at.started(retention);
    at.lookUps = 0;
    at.cutoff = new Lsn(START);
    server.threads.pass(interval);
    assertThat(at.lookUps).isBetween(2 * 30, 2 * 33); // of the timeline and its branch
    AtRest.find(server, "prod").collectGarbage();
    assertThat(at.lookUps).as("by request, at once").isBetween(2 * 30 + 1, 2 * 33 + 1);
  }
}
