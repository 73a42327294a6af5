package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.putImage;
import static dev.varve.timeline.Fixture.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Each thing that changes the disk, with a fault at each of its operations in turn: the operation
/// fails, or the process dies there and the disk loses what was not synced.
class EveryFaultTest {

  private static final int CRASHES = 8;

  /// What is done, and what must hold afterwards.
  enum Deed {
    CREATE {
      @Override
      void run(Tenants tenants) {
        tenants
            .createRoot(Fixture.TENANT, ID, "new", 17, new Lsn(START), Map.of())
            .markImported(new Lsn(START));
      }

      @Override
      void check(Tenants tenants, boolean done, boolean restarted) {
        Optional<Timeline> created = tenants.find("new");
        if (done) {
          assertThat(created).isPresent();
        }
        if (restarted) {
          created.ifPresent(
              timeline -> assertThat(timeline.state()).isEqualTo(new TimelineState.Active()));
        }
      }
    },

    BRANCH {
      @Override
      void run(Tenants tenants) {
        tenants.branch(tenants.find("prod").orElseThrow(), ID, "new", new Lsn(START));
      }

      @Override
      void check(Tenants tenants, boolean done, boolean restarted) {
        Optional<Timeline> branch = tenants.find("new");
        if (done || !restarted) {
          assertThat(branch.isPresent()).isEqualTo(done);
        }
        branch.ifPresent(timeline -> assertThat(read(timeline, 0, START)).isEqualTo(7));
      }
    },

    DELETE {
      @Override
      void run(Tenants tenants) {
        tenants.delete(tenants.find("old").orElseThrow());
      }

      @Override
      void check(Tenants tenants, boolean done, boolean restarted) {
        Optional<Timeline> old = tenants.find("old");
        if (done || !restarted) {
          assertThat(old.isPresent()).isEqualTo(!done);
        }
        old.ifPresent(timeline -> assertThat(read(timeline, 0, START)).isEqualTo(7));
      }
    },

    CHECKPOINT {
      @Override
      void run(Tenants tenants) {
        Timeline prod = tenants.find("prod").orElseThrow();
        if (prod.lastRecordLsn().isBefore(new Lsn(START + 8))) {
          try (Ingest ingest = prod.ingest()) {
            putImage(ingest, 1, START + 8, 8);
            ingest.advance(START + 8);
          }
        }
        prod.checkpoint();
      }

      @Override
      void check(Tenants tenants, boolean done, boolean restarted) {
        Timeline prod = tenants.find("prod").orElseThrow();
        if (done) {
          assertThat(prod.diskConsistentLsn()).isEqualTo(new Lsn(START + 8));
        }
        if (!prod.lastRecordLsn().isBefore(new Lsn(START + 8))) {
          assertThat(read(prod, 1, START + 8)).isEqualTo(8);
        }
      }
    };

    static final TimelineId ID = new TimelineId(7, 7);

    abstract void run(Tenants tenants);

    /// @param done whether it was promised to be
    /// @param restarted whether the process has died since
    abstract void check(Tenants tenants, boolean done, boolean restarted);
  }

  private static SimulatedServer open(SimulatedDisk disk) throws IOException {
    return new SimulatedServer(disk, new SplittableRandom(3), Fixture.settings(8 << 20, 1 << 20));
  }

  private static SimulatedServer prepared() throws IOException {
    SimulatedServer server = open(new SimulatedDisk());
    Timeline prod =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(1, 1), "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = prod.ingest()) {
      putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    prod.markImported(new Lsn(START));
    server.tenants.branch(prod, new TimelineId(2, 2), "old", new Lsn(START));
    server.threads.settle();
    return server;
  }

  private static boolean attempt(Deed deed, SimulatedServer server) {
    try {
      deed.run(server.tenants);
      return true;
    } catch (PageserverException.Unavailable e) {
      Thread.interrupted();
      return false;
    }
  }

  private static void requireSound(SimulatedServer server) {
    Timeline prod = server.tenants.find("prod").orElseThrow();
    assertThat(server.tenants.timelines())
        .noneMatch(timeline -> timeline.state() instanceof TimelineState.Broken);
    assertThat(prod.state()).isEqualTo(new TimelineState.Active());
    assertThat(read(prod, 0, START)).isEqualTo(7);
  }

  @ParameterizedTest
  @EnumSource
  void aFailedOperationChangesNothingAndTheNextAttemptWorks(Deed deed) throws IOException {
    boolean faulted = true;
    for (int operation = 0; faulted; operation++) {
      SimulatedServer server = prepared();
      long before = server.disk.operations();
      server.disk.failAt(operation);
      boolean done = attempt(deed, server);
      faulted = server.disk.operations() - before > operation;
      server.disk.heal();
      server.threads.pass(Duration.ofMinutes(1));
      deed.check(server.tenants, done, false);
      requireSound(server);
      if (!done) {
        // an import that failed is deleted before it is tried again
        server.tenants.find("new").ifPresent(server.tenants::delete);
        done = attempt(deed, server);
        assertThat(done).as("attempt after a fault at %d", operation).isTrue();
        deed.check(server.tenants, true, false);
      }
      server = open(server.disk.crash(new SplittableRandom(operation)));
      deed.check(server.tenants, done, true);
      requireSound(server);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aCrashAtAnyOperationLeavesAllOrNothing(Deed deed) throws IOException {
    boolean died = true;
    for (int operation = 0; died; operation++) {
      for (int crash = 0; crash < CRASHES; crash++) {
        SimulatedServer server = prepared();
        server.disk.dieAt(operation);
        boolean done = attempt(deed, server);
        died = server.disk.isDead();
        SimulatedServer next = open(server.disk.crash(new SplittableRandom(crash)));
        deed.check(next.tenants, done, true);
        requireSound(next);
        if (next.tenants.find("new").isEmpty() && deed != Deed.DELETE) {
          assertThat(attempt(deed, next)).isTrue();
          deed.check(next.tenants, true, false);
        }
      }
    }
  }

  /// A write that failed may have reached the disk all the same: what is done again must not harm
  /// what the index part on disk may name already.
  @Test
  void aCrashWhileAFlushIsTriedAgainLosesNothing() throws IOException {
    boolean faulted = true;
    for (int operation = 0; faulted; operation++) {
      for (int later = 0; later < 12; later++) {
        SimulatedServer server = prepared();
        long before = server.disk.operations();
        server.disk.failAt(operation);
        boolean done = attempt(Deed.CHECKPOINT, server);
        faulted = server.disk.operations() - before > operation;
        server.disk.dieAt(later);
        server.threads.pass(Duration.ofMinutes(1));
        for (int crash = 0; crash < CRASHES; crash++) {
          SimulatedServer next = open(server.disk.crash(new SplittableRandom(crash)));
          requireSound(next);
          Deed.CHECKPOINT.check(next.tenants, done, true);
        }
      }
    }
  }

  /// The first layer of a branch comes with an index part of its own, whose name must be durable
  /// before the layer's, also when an attempt has failed before.
  @Test
  void aCrashWhileTheFirstFlushOfABranchIsTriedAgainLeavesItsIndexPart() throws IOException {
    boolean faulted = true;
    for (int operation = 0; faulted; operation++) {
      for (int later = 0; later < 12; later++) {
        SimulatedServer server = prepared();
        Timeline branch = server.tenants.find("old").orElseThrow();
        long before = server.disk.operations();
        server.disk.failAt(operation);
        try (Ingest ingest = branch.ingest()) {
          putImage(ingest, 1, START + 8, 8);
          ingest.advance(START + 8);
        }
        try {
          branch.checkpoint();
        } catch (PageserverException.Unavailable e) {
          assertThat(server.disk.faults()).isPositive();
        }
        faulted = server.disk.operations() - before > operation;
        server.disk.dieAt(later);
        server.threads.pass(Duration.ofMinutes(1));
        for (int crash = 0; crash < 4 * CRASHES; crash++) {
          requireSound(open(server.disk.crash(new SplittableRandom(crash))));
        }
      }
    }
  }
}
