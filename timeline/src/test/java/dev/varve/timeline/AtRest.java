package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.putImage;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/// A server that was started anew, so that its timelines are at rest, and what can be done with
/// them.
final class AtRest {

  static final Duration IDLE = Duration.ofMinutes(11);

  /// The GC cutoff follows closely.
  static final RetentionSettings SHORT =
      new RetentionSettings(Written.STEP, Duration.ZERO, Duration.ZERO);

  Written written = new Written();
  int lookUps;
  Lsn cutoff = Lsn.MAX;

  SimulatedServer open(SimulatedDisk disk, RetentionSettings retention) throws IOException {
    return new SimulatedServer(
        disk,
        new SplittableRandom(3),
        Fixture.settings(8 << 20, 1 << 20)
            .withCompaction(new CompactionSettings(99, 99, 1 << 20, 1 << 20, 0.5, 1 << 10))
            .withRetention(retention),
        new DataModel(
            _ -> new HashRedo(),
            (timeline, _) -> {
              lookUps++;
              return Optional.of(Lsn.min(cutoff, timeline.lastRecordLsn()));
            },
            DataModel.of(_ -> new HashRedo()).keys()));
  }

  /// A server that was started anew, with a timeline of two layers, and a branch.
  SimulatedServer started(RetentionSettings retention) throws IOException {
    written = new Written();
    SimulatedServer server = open(new SimulatedDisk(), RetentionSettings.KEEP_ALL);
    Timeline prod =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(0, 1), "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = prod.ingest()) {
      putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    prod.markImported(new Lsn(START));
    write(prod);
    server.tenants.branch(prod, new TimelineId(0, 2), "branch", new Lsn(written.last()));
    return restarted(server, retention);
  }

  SimulatedServer restarted(SimulatedServer server, RetentionSettings retention)
      throws IOException {
    SimulatedServer next = open(server.disk.crash(new SplittableRandom(5)), retention);
    assertThat(isAtRest(find(next, "prod"))).isTrue();
    return next;
  }

  void write(Timeline timeline) {
    try (Ingest ingest = timeline.ingest()) {
      written.image(ingest, 1);
      written.change(ingest, 0);
      written.value(ingest, 2, "value");
    }
    timeline.checkpoint();
  }

  static Timeline find(SimulatedServer server, String name) {
    return server.tenants.find(name).orElseThrow();
  }

  static boolean isAtRest(Timeline timeline) {
    return timeline.index().maps().peek().isAtRest();
  }

  /// Things that are done with a timeline at rest.
  enum Deed {
    PAGES,
    SCAN,
    HISTORY,
    INGEST,
    MERGE,
    BRANCH,
    READ_OF_A_BRANCH,
    LEASE,
    CUTOFF,
    STOP,
    RETRY,
    OPEN_LAYER
  }

  void run(Deed deed, SimulatedServer server) {
    Timeline prod = find(server, "prod");
    Lsn last = new Lsn(written.last());
    switch (deed) {
      case PAGES, SCAN, HISTORY -> read(deed, prod, last);
      case INGEST -> write(prod);
      case MERGE -> {
        prod.compact();
        server.threads.settle();
        assertThat(prod.layerCount()).isEqualTo(1);
        assertThat(isAtRest(prod)).as("again").isTrue();
      }
      case BRANCH -> {
        Timeline branch = server.tenants.branch(prod, new TimelineId(0, 3), "new", last);
        assertThat(isAtRest(prod)).as("still").isTrue();
        written.check(branch, START);
      }
      case READ_OF_A_BRANCH -> written.check(find(server, "branch"), START);
      case LEASE -> {
        prod.lease(new Lsn(START + Written.STEP), Duration.ofDays(1));
        assertThat(prod.leases()).hasSize(1);
      }
      case CUTOFF -> {
        Lsn before = prod.readableFrom();
        prod.collectGarbage();
        assertThat(prod.readableFrom()).isGreaterThan(before);
        assertThat(isAtRest(prod)).as("again").isTrue();
      }
      case STOP -> {
        server.tenants.stop(prod);
        assertThat(isAtRest(prod)).as("still").isTrue();
        written.check(find(server, "branch"), START);
        server.tenants.start(prod);
      }
      case RETRY -> assertThat(server.tenants.retry(prod)).isSameAs(prod);
      case OPEN_LAYER -> {
        try (Ingest ingest = prod.ingest()) {
          written.image(ingest, 3);
          assertThat(isAtRest(prod)).as("still").isTrue();
          written.check(prod, START);
          assertThat(isAtRest(prod)).isFalse();
        }
        prod.checkpoint();
      }
    }
  }

  private static void read(Deed deed, Timeline prod, Lsn last) {
    switch (deed) {
      case PAGES ->
          prod.pages(
              List.of(Fixture.key(1), Fixture.key(0)),
              last,
              MemorySegment.ofArray(new byte[2 * 8192]),
              (_, failure) -> {
                throw failure;
              });
      case SCAN -> {
        var values = new ArrayList<Long>();
        var keys = new KeyRange(Written.value(0), Written.value(9));
        prod.scan(keys, last, (_, value) -> values.add(value.byteSize()));
        assertThat(values).containsExactly(5L);
      }
      case HISTORY -> {
        var versions = new ArrayList<Lsn>();
        prod.history(Fixture.key(0), new Lsn(START), last, (lsn, _) -> versions.add(new Lsn(lsn)));
        assertThat(versions).hasSize(2);
      }
      default -> throw new IllegalArgumentException("no read: " + deed);
    }
  }
}
