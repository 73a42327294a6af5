package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// What stays readable, and what goes, on a simulated disk with a clock of its own.
class GarbageCollectionTest {

  private static final RetentionSettings TIP_ONLY =
      new RetentionSettings(0, Duration.ZERO, Duration.ZERO);

  private final Written written = new Written();

  private static SimulatedServer open(
      SimulatedDisk disk, RetentionSettings retention, CommitClock clock, Instant now)
      throws IOException {
    var compaction = new CompactionSettings(2, 4, 30_000, 60_000, 0.01, 0);
    return new SimulatedServer(
        disk,
        new SplittableRandom(5),
        Fixture.settings(16 << 20, 4 << 20).withCompaction(compaction).withRetention(retention),
        new DataModel(_ -> new HashRedo(), clock, KeyRules.PAGES),
        now);
  }

  private static SimulatedServer open(SimulatedDisk disk, RetentionSettings retention)
      throws IOException {
    return open(disk, retention, CommitClock.NONE, SimulatedServer.NOW);
  }

  private static Timeline root(SimulatedServer server) {
    Timeline prod =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(1, 1), "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = prod.ingest()) {
      Fixture.putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    prod.markImported(new Lsn(START));
    return prod;
  }

  private static Timeline prod(SimulatedServer server) {
    return server.tenants.find("prod").orElseThrow();
  }

  /// Three layers of changes, images and values.
  private static void write(SimulatedServer server, Timeline timeline, Written written) {
    for (int layer = 0; layer < 3; layer++) {
      try (Ingest ingest = timeline.ingest()) {
        for (int i = 0; i < 10; i++) {
          written.image(ingest, i);
          written.change(ingest, i);
          written.change(ingest, 0);
          written.value(ingest, i, i % 3 == layer ? "" : "v".repeat(10 * layer + i + 1));
        }
      }
      timeline.checkpoint();
      server.threads.settle();
    }
  }

  private static void collect(SimulatedServer server) {
    server.tenants.timelines().forEach(Timeline::collectGarbage);
    server.tenants.timelines().forEach(Timeline::compact);
    server.threads.settle();
  }

  private static void requireGone(Timeline timeline, long lsn) {
    assertThatThrownBy(() -> Fixture.read(timeline, 0, lsn))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessage(
            "timeline \"%s\" has no history as of %s; the earliest it has is as of %s"
                .formatted(timeline.name(), new Lsn(lsn), timeline.readableFrom()));
  }

  @Test
  void theHorizonStaysReadableAndWhatIsBeforeIsRefused() throws IOException {
    SimulatedServer server =
        open(new SimulatedDisk(), new RetentionSettings(200, Duration.ZERO, Duration.ZERO));
    Timeline prod = root(server);
    for (int round = 0; round < 4; round++) {
      write(server, prod, written);
      collect(server);
      long cutoff = written.last() - 200;
      assertThat(prod.readableFrom().value()).isEqualTo(cutoff);
      written.check(prod, cutoff);
      requireGone(prod, cutoff - 1);
      requireGone(prod, START);
    }
    long last = written.last();
    server = open(server.disk.crash(new SplittableRandom(1)), TIP_ONLY);
    assertThat(prod(server).readableFrom().value()).isEqualTo(last - 200);
    written.check(prod(server), last - 200);
  }

  @Test
  void whatWasCommittedWithinThePitrIntervalStaysReadable() throws IOException {
    // An hour is 100 bytes of WAL.
    CommitClock clock =
        (_, moment) -> {
          long hours = Duration.between(SimulatedServer.NOW, moment).toHours();
          return hours < 0 ? Optional.empty() : Optional.of(new Lsn(START + 100 * hours));
        };
    var retention = new RetentionSettings(0, Duration.ofHours(5), Duration.ZERO);
    SimulatedServer server = open(new SimulatedDisk(), retention, clock, SimulatedServer.NOW);
    Timeline prod = root(server);
    write(server, prod, written);
    server.threads.pass(Duration.ofHours(4));
    collect(server);
    assertThat(prod.readableFrom()).as("not known").isEqualTo(new Lsn(START));
    server.threads.pass(Duration.ofHours(3));
    collect(server);
    assertThat(prod.readableFrom()).isEqualTo(new Lsn(START + 200));
    written.check(prod, START + 200);
    server.threads.pass(Duration.ofDays(100));
    collect(server);
    assertThat(prod.readableFrom()).as("both hold").isEqualTo(prod.lastRecordLsn());
  }

  @Test
  void aLeaseKeepsAnLsnUntilItEnds() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), TIP_ONLY);
    Timeline prod = root(server);
    write(server, prod, written);
    long leased = START + 8 * 31;
    prod.lease(new Lsn(leased), Duration.ofMinutes(10));
    Lease longer = prod.lease(new Lsn(leased), Duration.ofHours(2));
    assertThat(prod.lease(new Lsn(leased), Duration.ofHours(1))).isEqualTo(longer);
    write(server, prod, written);
    collect(server);
    written.checkAt(prod, leased);
    requireGone(prod, leased + 8);
    server.threads.pass(Duration.ofMinutes(90));
    Instant now = server.threads.clock().instant();
    server = open(server.disk.crash(new SplittableRandom(2)), TIP_ONLY, CommitClock.NONE, now);
    prod = prod(server);
    write(server, prod, written);
    collect(server);
    written.checkAt(prod, leased);
    server.threads.pass(Duration.ofMinutes(31));
    requireGone(prod, leased);
    Timeline late = prod;
    assertThatThrownBy(() -> late.lease(new Lsn(leased), Duration.ofHours(1)))
        .isInstanceOf(PageserverException.InvalidRequest.class);
    collect(server);
    assertThat(prod.leases()).isEmpty();
  }

  /// A clock that is set back makes leases hold again that had ended: what they keep must be there.
  @Test
  void aLeaseThatHoldsAgainFindsWhatItKept() throws IOException {
    var whenAsked = new CompactionSettings(2, 4, 30_000, 60_000, 0.01, 1L << 40);
    var server =
        new SimulatedServer(
            new SimulatedDisk(),
            new SplittableRandom(5),
            Fixture.settings(16 << 20, 4 << 20).withCompaction(whenAsked).withRetention(TIP_ONLY));
    Timeline prod = root(server);
    write(server, prod, written);
    long leased = START + 8 * 31;
    prod.lease(new Lsn(leased), Duration.ofMinutes(10));
    prod.collectGarbage();
    server.threads.pass(Duration.ofMinutes(11));
    prod.compact();
    server.threads.settle();
    server = open(server.disk.crash(new SplittableRandom(2)), TIP_ONLY);
    assertThat(prod(server).isReadable(new Lsn(leased))).isTrue();
    written.checkAt(prod(server), leased);
  }

  @Test
  void branchPointsStayReadableUntilTheBranchGoes() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), TIP_ONLY);
    Timeline prod = root(server);
    write(server, prod, written);
    long at = START + 8 * 45;
    Timeline branch = server.tenants.branch(prod, new TimelineId(2, 2), "branch", new Lsn(at));
    Written ofBranch = written.branch(at);
    write(server, branch, ofBranch);
    // Of the branch, but before its branch point, and at it.
    long before = at - 80;
    Timeline early = server.tenants.branch(branch, new TimelineId(3, 3), "early", new Lsn(before));
    Timeline same = server.tenants.branch(branch, new TimelineId(4, 4), "same", new Lsn(at));
    write(server, prod, written);
    collect(server);
    collect(server);
    for (int restarts = 0; restarts < 2; restarts++) {
      ofBranch.checkAt(server.tenants.find("branch").orElseThrow(), ofBranch.last());
      written.checkAt(server.tenants.find("early").orElseThrow(), before);
      written.checkAt(server.tenants.find("same").orElseThrow(), at);
      requireGone(server.tenants.find("early").orElseThrow(), before - 8);
      requireGone(prod(server), at);
      server = open(server.disk.crash(new SplittableRandom(2)), TIP_ONLY);
      collect(server);
    }
    assertThat(prod(server).garbage().retainedBefore(Lsn.MAX))
        .containsExactly(new Lsn(before), new Lsn(at));
    assertThat(early.readableFrom()).isEqualTo(new Lsn(before));
    assertThat(same.readableFrom()).isEqualTo(new Lsn(at));
    server.tenants.delete(server.tenants.find("early").orElseThrow());
    assertThat(prod(server).garbage().retainedBefore(Lsn.MAX)).containsExactly(new Lsn(at));
    assertThatThrownBy(() -> Branching.requireBranchPoint(prod, new Lsn(before)))
        .isInstanceOf(PageserverException.InvalidRequest.class);
  }

  @Test
  void aCrashAtAnyOperationKeepsWhatTheCutoffThenSays() throws IOException {
    boolean died = true;
    for (int operation = 0; died; operation += 1 + operation / 5) {
      var model = new Written();
      SimulatedServer server = open(new SimulatedDisk(), TIP_ONLY);
      Timeline prod = root(server);
      write(server, prod, model);
      server.disk.dieAt(operation);
      try {
        collect(server);
      } catch (PageserverException.Unavailable e) {
        assertThat(server.disk.isDead()).isTrue();
      }
      Thread.interrupted();
      died = server.disk.isDead();
      SimulatedServer next = open(server.disk.crash(new SplittableRandom(operation)), TIP_ONLY);
      assertThat(prod(next).state()).isEqualTo(new TimelineState.Active());
      model.check(prod(next), prod(next).readableFrom().value());
      collect(next);
      model.checkAt(prod(next), model.last());
    }
  }

  /// A timeline that is written for years does not grow with its age.
  @Test
  void whatIsWrittenAgainAndAgainTakesNoMoreSpace() throws IOException {
    SimulatedServer server =
        open(new SimulatedDisk(), new RetentionSettings(400, Duration.ZERO, Duration.ofMinutes(5)));
    Timeline prod = root(server);
    long most = 0;
    for (int round = 0; round < 16; round++) {
      write(server, prod, written);
      server.threads.pass(Duration.ofMinutes(6));
      if (round == 5) {
        most = 2 * prod.layerBytes();
      } else if (round > 5) {
        assertThat(prod.layerBytes()).as("round %d", round).isLessThan(most);
      }
    }
    written.check(prod, prod.readableFrom().value());
    assertThat(prod.readableFrom().value()).isGreaterThan(written.last() - 400 - 8 * 200);
  }

  /// What an import has taken in so far says nothing of what is to be read of it.
  @Test
  void anImportDropsNothing() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), TIP_ONLY);
    Timeline prod =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(1, 1), "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = prod.ingest()) {
      Fixture.putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    write(server, prod, written);
    prod.compact();
    server.threads.settle();
    prod.markImported(new Lsn(START + 8));
    written.check(prod, START + 8);
  }
}
