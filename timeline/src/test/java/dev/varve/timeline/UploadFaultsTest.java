package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.remote.StoreException;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A store that fails, and processes that die, at every operation on it: whatever comes between,
/// the store never has an index part of what is not there, and in the end it has all.
class UploadFaultsTest {

  /// Every operation would be too many for each build.
  private static final int DISK_STEP = Integer.getInteger("diskStep", 7);

  private static final Duration SOON = Duration.ofMinutes(5);

  @TempDir private Path directory;
  private int buckets;
  private long ids;

  private Bucket bucket() throws IOException {
    Path next = directory.resolve("b" + buckets++);
    Files.createDirectory(next);
    return new Bucket(next);
  }

  private static void flush(Timeline timeline, int pages) {
    long last = timeline.lastRecordLsn().value();
    try (Ingest ingest = timeline.ingest()) {
      for (int i = 1; i <= pages; i++) {
        Fixture.putImage(ingest, i, last + 8L * i, last + i);
        ingest.advance(last + 8L * i);
      }
    }
    timeline.checkpoint();
  }

  /// A life with everything that the store is told of. What was done before a death is not done
  /// again.
  private void live(SimulatedServer server) {
    Tenants tenants = server.tenants;
    Timeline prod = tenants.find("prod").orElseGet(() -> UploadsTest.root(server));
    flush(prod, 2);
    tenants.upload(prod, SOON);
    if (tenants.find("b").isEmpty()) {
      tenants.branch(prod, new TimelineId(2, ids++), "b", new Lsn(START));
    }
    Timeline branch = tenants.find("b").orElseThrow();
    flush(branch, 2);
    tenants.upload(branch, SOON);
    flush(prod, 3);
    tenants.upload(prod, SOON);
    prod.compact();
    server.threads.settle();
    tenants.upload(prod, SOON);
    flush(prod, 1);
    tenants.delete(branch);
    tenants.upload(prod, SOON);
    server.threads.pass(Duration.ofHours(3));
  }

  private void liveAsLongAsItGoes(SimulatedServer server) {
    try {
      live(server);
    } catch (PageserverException | IllegalStateException e) {
      assertThat(server.disk.isDead()).as("%s", e).isTrue();
    } finally {
      Thread.interrupted(); // of a process that is dead
    }
  }

  private static void die(SimulatedDisk disk) {
    disk.dieAt(0);
    try {
      Files.createFile(disk.root().resolve("last"));
    } catch (IOException e) {
      assertThat(disk.isDead()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDeathAtAnyOperationLosesNothing(boolean after) throws Exception {
    boolean died = true;
    for (int operation = 0; died; operation++) {
      Bucket bucket = bucket();
      var disk = new SimulatedDisk();
      int[] left = {operation};
      bucket.store.fail((_, acted) -> {
        if (disk.isDead()) {
          throw new StoreException.Unavailable("this process is dead");
        }
        if (acted == after && left[0]-- == 0) {
          die(disk);
          throw new StoreException.Unavailable("this process dies");
        }
      });
      try {
        liveAsLongAsItGoes(bucket.open(disk, operation));
      } catch (IOException e) {
        assertThat(disk.isDead()).isTrue();
      }
      died = left[0] < 0;
      assertThat(died || operation > 15).as("operations: %d", operation).isTrue();
      bucket.store.fail((_, _) -> {});
      bucket.requireSound();
      SimulatedServer next = bucket.open(disk.crash(new SplittableRandom(operation)), operation);
      next.threads.pass(Duration.ofHours(3));
      if (next.tenants.find("prod").isPresent()) {
        bucket.requireSame(next.tenants);
      }
      live(next);
      bucket.requireSame(next.tenants);
    }
  }

  @Test
  void aDeathAtAnyWriteToDiskLosesNothing() throws Exception {
    boolean died = true;
    for (int operation = 0; died; operation += DISK_STEP) {
      Bucket bucket = bucket();
      var disk = new SimulatedDisk();
      disk.dieAt(operation);
      bucket.store.fail((_, _) -> {
        if (disk.isDead()) {
          throw new StoreException.Unavailable("this process is dead");
        }
      });
      try {
        liveAsLongAsItGoes(bucket.open(disk, operation));
      } catch (IOException e) {
        assertThat(disk.isDead()).isTrue();
      }
      died = disk.isDead();
      bucket.store.fail((_, _) -> {});
      bucket.requireSound();
      SimulatedServer next = bucket.open(disk.crash(new SplittableRandom(operation)), operation);
      next.threads.pass(Duration.ofHours(3));
      if (next.tenants.find("prod").isPresent()) {
        bucket.requireSame(next.tenants);
      }
      live(next);
      bucket.requireSame(next.tenants);
    }
  }

  /// Neither the delay of the tenant's task nor that of the timeline's is waited for.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoAsksAfterAnOutageDoesNotWaitForTheNextAttempt(boolean restart) throws Exception {
    Bucket bucket = bucket();
    SimulatedServer server = bucket.open(new SimulatedDisk());
    flush(UploadsTest.root(server), 2);
    server.threads.pass(Duration.ofHours(3));
    bucket.store.fail((_, _) -> {
      throw new StoreException.Unavailable("the store is away");
    });
    if (restart) {
      server = bucket.open(server.disk.crash(new SplittableRandom(1)));
    }
    Timeline prod = server.tenants.find("prod").orElseThrow();
    flush(prod, 2);
    assertThat(server.tenants.upload(prod, Duration.ofMinutes(30))).isFalse();
    bucket.store.fail((_, _) -> {});
    assertThat(server.tenants.upload(prod, Duration.ofSeconds(1))).isTrue();
    bucket.requireSame(server.tenants);
  }

  @Test
  void aStoreThatFailsNowAndThenLosesNothing() throws Exception {
    for (int seed = 0; seed < 40; seed++) {
      Bucket bucket = bucket();
      var random = new SplittableRandom(seed);
      double rate = random.nextDouble() * 0.5;
      bucket.store.fail((operation, _) -> {
        if (random.nextDouble() < rate) {
          throw new StoreException.Unavailable("it does not want to " + operation);
        }
      });
      SimulatedServer server = bucket.open(new SimulatedDisk(), seed);
      live(server);
      if (random.nextBoolean()) {
        server = bucket.open(server.disk.crash(random), seed);
      }
      live(server);
      bucket.store.fail((_, _) -> {});
      server.threads.pass(Duration.ofHours(3));
      bucket.requireSame(server.tenants);
    }
  }
}
