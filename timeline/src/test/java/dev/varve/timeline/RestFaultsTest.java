package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Timelines at rest, and disks that fail.
class RestFaultsTest {

  private final AtRest at = new AtRest();

  /// Each operation on the disk fails, in turn; then all is well again.
  @ParameterizedTest
  @EnumSource(names = {"LEASE", "CUTOFF", "INGEST", "MERGE", "STOP"})
  void aFailureAtRestLosesNothing(AtRest.Deed deed) throws IOException {
    boolean faulted = true;
    for (int operation = 0; faulted; operation++) {
      SimulatedServer server =
          at.started(deed == AtRest.Deed.CUTOFF ? AtRest.SHORT : RetentionSettings.KEEP_ALL);
      Timeline prod = AtRest.find(server, "prod");
      long before = server.disk.operations();
      server.disk.failAt(operation);
      try {
        at.run(deed, server);
      } catch (PageserverException.Unavailable | AssertionError e) {
        assertThat(server.disk.faults()).as("faults: %s", e).isPositive();
      }
      faulted = server.disk.operations() - before > operation;
      server.disk.heal();
      server.tenants.start(prod);
      prod.rest(); // not if the index part on disk may be another than that in memory
      at.written.check(prod, prod.readableFrom().value());
      server.threads.pass(Duration.ofMinutes(2));
      prod.rest();
      at.written.check(prod, prod.readableFrom().value());
      server = at.restarted(server, RetentionSettings.KEEP_ALL);
      prod = AtRest.find(server, "prod");
      long last = prod.lastRecordLsn().value();
      assertThat(last).isEqualTo(prod.diskConsistentLsn().value());
      at.written.branch(last).check(prod, prod.readableFrom().value());
    }
  }

  /// The process dies at each operation on the disk, in turn.
  @ParameterizedTest
  @EnumSource(names = {"LEASE", "CUTOFF", "INGEST", "MERGE"})
  void aCrashAtRestLosesNothing(AtRest.Deed deed) throws IOException {
    boolean died = true;
    for (int operation = 0; died; operation++) {
      SimulatedServer server =
          at.started(deed == AtRest.Deed.CUTOFF ? AtRest.SHORT : RetentionSettings.KEEP_ALL);
      server.disk.dieAt(operation);
      try {
        at.run(deed, server);
      } catch (PageserverException.Unavailable | AssertionError e) {
        assertThat(server.disk.isDead()).as("dead: %s", e).isTrue();
      }
      died = server.disk.isDead();
      Thread.interrupted();
      Timeline prod = AtRest.find(at.restarted(server, RetentionSettings.KEEP_ALL), "prod");
      assertThat(prod.layerCount()).isPositive();
      at.written.branch(prod.lastRecordLsn().value()).check(prod, prod.readableFrom().value());
    }
  }

  @Test
  void aReadThatCanNotWakeItFailsAndTheNextOneTriesAgain() throws IOException {
    SimulatedServer server = at.started(RetentionSettings.KEEP_ALL);
    Timeline prod = AtRest.find(server, "prod");
    int failed = 0;
    for (int read = 0; read < 3; read++) {
      server.disk.failReads(read, 1);
      try {
        at.written.checkPage(prod, 1, at.written.last());
      } catch (PageserverException.Unavailable e) {
        assertThat(e).hasMessageContaining("Input/output error");
        failed++;
      }
      at.written.check(prod, START);
      prod.rest();
    }
    assertThat(failed).isEqualTo(3);
  }

  @Test
  void anIndexPartThatWasDamagedMeanwhileFailsReadsUntilItIsPutBack() throws IOException {
    SimulatedServer server = at.started(RetentionSettings.KEEP_ALL);
    Timeline prod = AtRest.find(server, "prod");
    Path index = prod.index().files().directory().resolve("index_part.json");
    byte[] good = Files.readAllBytes(index);
    server.disk.flip(index, 8 * 100);
    requireUnreadable(prod, "index_part.json is damaged");
    Files.delete(index);
    requireUnreadable(prod, "index_part.json is missing");
    assertThatThrownBy(() -> prod.lease(new Lsn(START), Duration.ofDays(1)))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining("index_part.json is missing");
    prod.index().files().writeIndex(new IndexPart(Lsn.ZERO, new Lsn(START), true, List.of()));
    requireUnreadable(prod, "has another index part than the one that was written last");
    try (Ingest ingest = prod.ingest()) {
      at.written.image(ingest, 7);
    }
    assertThatThrownBy(prod::checkpoint).hasMessageContaining("has another index part");
    assertThat(prod.state()).isInstanceOf(TimelineState.Failing.class);
    Files.write(index, good);
    server.threads.pass(Duration.ofMinutes(1));
    assertThat(prod.state()).isEqualTo(new TimelineState.Active());
    at.written.check(prod, START);
  }

  private void requireUnreadable(Timeline timeline, String why) {
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> at.written.checkPage(timeline, 1, at.written.last()))
          .isInstanceOf(PageserverException.DataCorrupted.class)
          .hasMessageContaining(why);
      assertThat(AtRest.isAtRest(timeline)).isTrue();
    }
    assertThat(timeline.state()).isEqualTo(new TimelineState.Active());
    assertThat(timeline.damagedFiles()).isEmpty();
  }
}
