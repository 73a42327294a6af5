package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.putImage;
import static dev.varve.timeline.Fixture.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// Timelines that are stopped and started, broken and mended, and deleted against resistance; on a
/// simulated disk and in simulated time.
class LifeTest {

  private static final TimelineId PROD = new TimelineId(0, 1);
  private static final TimelineId BRANCH = new TimelineId(0, 2);

  /// After which the first of an opening server is to delete what is left.
  private static final int OPERATIONS_OF_LOCK = 3;

  private final SplittableRandom random = new SplittableRandom(11);
  private SimulatedDisk disk = new SimulatedDisk();
  private SimulatedServer server = open();
  private Timeline prod = prod();
  private Timeline branch = server.tenants.branch(prod, BRANCH, "branch", new Lsn(START));

  private SimulatedServer open() {
    try {
      return new SimulatedServer(disk, random, Fixture.settings(8 << 20, 1 << 20));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Timeline prod() {
    Timeline timeline =
        server.tenants.createRoot(Fixture.TENANT, PROD, "prod", 17, new Lsn(START), Map.of());
    write(timeline, START);
    timeline.markImported(new Lsn(START));
    return timeline;
  }

  private static void write(Timeline timeline, long lsn) {
    try (Ingest ingest = timeline.ingest()) {
      putImage(ingest, 0, lsn, lsn);
      ingest.advance(lsn);
    }
  }

  private void restart() throws IOException {
    server.tenants.close();
    server.tasks.close();
    server = open();
    lookUp();
  }

  private void crash() {
    disk = disk.crash(random);
    server = open();
    lookUp();
  }

  private void lookUp() {
    prod = server.tenants.find("prod").orElse(prod);
    branch = server.tenants.find("branch").orElse(branch);
  }

  private Path directory(TimelineId id) {
    return disk.root().resolve("data/tenants/" + Fixture.TENANT + "/timelines/" + id);
  }

  private static void assertStopped(Timeline timeline, long lsn) {
    assertThat(timeline.state()).isEqualTo(new TimelineState.Stopped());
    assertThat(timeline.state().word()).isEqualTo("stopped");
    for (org.assertj.core.api.ThrowableAssert.ThrowingCallable deed :
        List.<org.assertj.core.api.ThrowableAssert.ThrowingCallable>of(
            () -> read(timeline, 0, lsn),
            () -> timeline.value(Fixture.key(0), new Lsn(lsn)),
            timeline::ingest,
            () -> timeline.awaitLsn(new Lsn(lsn), Duration.ofHours(1)))) {
      assertThatThrownBy(deed)
          .isInstanceOf(Unavailable.class)
          .hasMessage("timeline \"prod\" is stopped; varve start prod lets it go on");
    }
  }

  @Test
  void aStoppedTimelineKeepsWhatItHasForItsBranches() throws IOException {
    write(prod, START + 8);
    server.tenants.stop(prod);
    assertThat(prod.diskConsistentLsn()).isEqualTo(new Lsn(START + 8));
    assertStopped(prod, START + 8);
    assertThat(read(branch, 0, START)).isEqualTo(START);
    server.tenants.stop(prod); // once more changes nothing
    write(branch, START + 8);
    crash();
    assertStopped(prod, START + 8);
    assertThat(read(branch, 0, START)).isEqualTo(START);
    restart();
    assertStopped(prod, START + 8);
    server.tenants.branch(prod, new TimelineId(0, 3), "late", new Lsn(START + 8));
    assertThat(read(server.tenants.find("late").orElseThrow(), 0, START + 8)).isEqualTo(START + 8);
    server.tenants.start(prod);
    assertThat(prod.state()).isEqualTo(new TimelineState.Active());
    assertThat(read(prod, 0, START + 8)).isEqualTo(START + 8);
    write(prod, START + 16);
    prod.awaitLsn(new Lsn(START + 16), Duration.ofSeconds(1));
    prod.checkpoint();
    crash();
    assertThat(read(prod, 0, START + 16)).isEqualTo(START + 16);
  }

  @Test
  void aWriterMayEndItsRecordAndNoMore() {
    Ingest ingest = prod.ingest();
    putImage(ingest, 0, START + 8, 1);
    server.threads.schedule(Duration.ofSeconds(1), () -> ingest.advance(START + 8));
    server.tenants.stop(prod);
    assertThat(prod.diskConsistentLsn()).isEqualTo(new Lsn(START + 8));
    assertThatThrownBy(() -> putImage(ingest, 0, START + 16, 2)).hasMessageContaining("is stopped");
    ingest.close();
    crash();
    assertStopped(prod, START + 8);
    server.tenants.start(prod);
    assertThat(read(prod, 0, START + 8)).isEqualTo(1);
  }

  @Test
  void whoWaitsForALsnIsTold() {
    var waiting =
        server.tasks.submit(
            dev.varve.task.TaskSpec.once(
                dev.varve.task.TaskKind.SERVICE,
                "wait",
                _ -> prod.awaitLsn(new Lsn(START + 99), Duration.ofHours(1))));
    server.threads.schedule(Duration.ofSeconds(1), () -> server.tenants.stop(prod));
    server.threads.pass(Duration.ofSeconds(2));
    assertThat(waiting.report().lastFailure()).contains("is stopped");
  }

  @Test
  void aStopThatFailsChangesNothing() throws IOException {
    write(prod, START + 8);
    boolean failed = true;
    for (int operation = 0; failed; operation++) {
      disk.failAt(operation);
      try {
        server.tenants.stop(prod);
        failed = false;
      } catch (Unavailable e) {
        assertThat(prod.state().word()).isIn("active", "failing");
        disk.heal();
        server.threads.pass(Duration.ofMinutes(1));
        restart();
        assertThat(prod.state()).isEqualTo(new TimelineState.Active());
        assertThat(read(prod, 0, START + 8)).isEqualTo(START + 8);
        write(prod, prod.lastRecordLsn().value() + 8);
      }
      disk.heal();
    }
    assertThat(prod.state()).isEqualTo(new TimelineState.Stopped());
  }

  @Test
  void aCrashInAStopLeavesEitherAndAllThatWasDurable() {
    for (int operation = 0; operation < 20; operation++) {
      long lsn = prod.lastRecordLsn().value() + 8;
      write(prod, lsn);
      prod.checkpoint();
      disk.dieAt(operation);
      boolean done = false;
      try {
        server.tenants.stop(prod);
        done = !disk.isDead();
      } catch (Unavailable e) {
        Thread.interrupted();
      }
      crash();
      assertThat(prod.state().word()).isIn("active", "stopped");
      if (done) {
        assertThat(prod.state()).isEqualTo(new TimelineState.Stopped());
      }
      server.tenants.start(prod);
      assertThat(read(prod, 0, lsn)).isEqualTo(lsn);
    }
  }

  @Test
  void anImportCanNotBeStopped() {
    Timeline half =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(0, 5), "half", 17, new Lsn(START), Map.of());
    assertThatThrownBy(() -> server.tenants.stop(half))
        .isInstanceOf(PageserverException.Conflict.class)
        .hasMessageContaining("before its import has ended");
  }

  private byte[] damage(TimelineId id, String file) throws IOException {
    Path path = directory(id).resolve(file);
    byte[] whole = Files.readAllBytes(path);
    DurableFile.replace(path, new byte[10]);
    return whole;
  }

  @Test
  void aBrokenTimelineIsLoadedAgainAndItsBranchesReadThroughIt() throws IOException {
    server.tenants.close();
    byte[] whole = damage(PROD, "timeline.json");
    server = open();
    branch = server.tenants.find("branch").orElseThrow();
    Timeline broken = server.tenants.find(Fixture.TENANT, PROD).orElseThrow();
    assertThat(broken.state().word()).isEqualTo("broken");
    assertThatThrownBy(() -> read(branch, 0, START)).hasMessageContaining("is broken");
    assertThat(server.tenants.retry(broken).state().word()).isEqualTo("broken");
    write(branch, START + 8);
    DurableFile.replace(directory(PROD).resolve("timeline.json"), whole);
    server.threads.pass(Duration.ofMinutes(5).plusSeconds(1));
    prod = server.tenants.find("prod").orElseThrow();
    assertThat(prod.state()).isEqualTo(new TimelineState.Active());
    assertThat(read(prod, 0, START)).isEqualTo(START);
    assertThat(read(branch, 0, START)).isEqualTo(START);
    assertThat(read(branch, 0, START + 8)).isEqualTo(START + 8);
    assertThat(server.tasks.report())
        .noneMatch(task -> task.name().startsWith("load again") && task.nextRun() != null);
    crash();
    assertThat(read(prod, 0, START)).isEqualTo(START);
  }

  @Test
  void whatABrokenTimelineHasIsNotSaidToBeGone() throws IOException {
    write(prod, START + 8);
    Timeline later = server.tenants.branch(prod, new TimelineId(0, 3), "later", new Lsn(START + 8));
    write(later, START + 16);
    server.tenants.close();
    byte[] whole = damage(PROD, "index_part.json");
    server = open();
    later = server.tenants.find("later").orElseThrow();
    Timeline last = server.tenants.branch(later, new TimelineId(0, 4), "last", new Lsn(START + 16));
    for (Timeline timeline : List.of(later, last)) {
      assertThatThrownBy(() -> read(timeline, 0, START))
          .isInstanceOf(DataCorrupted.class)
          .hasMessageContaining("timeline \"prod\" is broken")
          .hasMessageContaining("index_part.json is damaged");
    }
    assertThat(read(last, 0, START + 16)).isEqualTo(START + 16);
    DurableFile.replace(directory(PROD).resolve("index_part.json"), whole);
    server.tenants.retry(server.tenants.find("prod").orElseThrow());
    for (Timeline timeline : List.of(later, last)) {
      assertThat(timeline.readableFrom()).isEqualTo(new Lsn(START));
      assertThat(read(timeline, 0, START)).isEqualTo(START);
    }
  }

  @Test
  void aRetryOnRequestComesAtOnce() throws IOException {
    server.tenants.close();
    byte[] whole = damage(PROD, "index_part.json");
    server = open();
    prod = server.tenants.find("prod").orElseThrow();
    server.threads.pass(Duration.ofMinutes(20));
    assertThat(prod.state().toString()).contains("index_part.json is damaged");
    DurableFile.replace(directory(PROD).resolve("index_part.json"), whole);
    prod = server.tenants.retry(prod);
    assertThat(prod.state()).isEqualTo(new TimelineState.Active());
    assertThat(server.tenants.find("prod")).containsSame(prod);
    assertThat(read(server.tenants.find("branch").orElseThrow(), 0, START)).isEqualTo(START);
    assertThat(server.tasks.report()).noneMatch(task -> task.name().startsWith("load again"));
  }

  @Test
  void anAncestorWhoseDirectoryComesBackIsTakenBack() throws IOException {
    server.tenants.close();
    Path directory = directory(PROD);
    Path away = directory.resolveSibling("away");
    Files.move(directory, away, StandardCopyOption.ATOMIC_MOVE);
    server = open();
    assertThat(server.tenants.find("prod")).isEmpty();
    branch = server.tenants.find("branch").orElseThrow();
    assertThat(branch.state().toString()).contains("its ancestor " + PROD + " is missing");
    Files.move(away, directory, StandardCopyOption.ATOMIC_MOVE);
    branch = server.tenants.retry(branch);
    assertThat(read(branch, 0, START)).isEqualTo(START);
    assertThat(read(server.tenants.find("prod").orElseThrow(), 0, START)).isEqualTo(START);
  }

  @Test
  void twoOfOneNameAreNotLoaded() throws IOException {
    write(branch, START + 8);
    server.tenants.close();
    byte[] whole = damage(BRANCH, "timeline.json");
    server = open();
    prod = server.tenants.find("prod").orElseThrow();
    server.tenants.branch(prod, new TimelineId(0, 9), "branch", new Lsn(START));
    Timeline broken = server.tenants.find(Fixture.TENANT, BRANCH).orElseThrow();
    DurableFile.replace(directory(BRANCH).resolve("timeline.json"), whole);
    assertThat(server.tenants.retry(broken).state().toString())
        .contains("another timeline \"branch\"");
    assertThat(server.tenants.find("branch").orElseThrow().id()).isEqualTo(new TimelineId(0, 9));
  }

  @Test
  void aDeletionGoesOnUntilAllIsGone() {
    write(branch, START + 8);
    branch.checkpoint();
    int tried = 0;
    for (int operation = 0; server.tenants.find("branch").isPresent(); operation++) {
      disk.failAt(operation);
      try {
        server.tenants.delete(branch);
      } catch (Unavailable e) {
        disk.heal();
        assertThat(branch.state().word()).isEqualTo("active");
        continue;
      }
      if (server.tenants.find("branch").isEmpty()) {
        break;
      }
      tried++;
      disk.failAll();
      assertThat(branch.state()).isEqualTo(new TimelineState.Deleting());
      assertThatThrownBy(() -> server.tenants.delete(branch)).hasMessageContaining("already");
      assertThatThrownBy(
              () -> server.tenants.branch(prod, new TimelineId(0, 8), "branch", new Lsn(START)))
          .hasMessageContaining("still being deleted");
      server.threads.pass(Duration.ofSeconds(2));
      assertThat(branch.state()).isEqualTo(new TimelineState.Deleting());
      disk.heal();
      server.threads.pass(Duration.ofSeconds(10));
      assertThat(server.tenants.find("branch")).isEmpty();
      assertThat(Files.exists(directory(BRANCH).resolveSibling(BRANCH + ".___deleted"))).isFalse();
      branch = server.tenants.branch(prod, BRANCH, "branch", new Lsn(START));
      write(branch, START + 8);
      branch.checkpoint();
    }
    assertThat(tried).as("failures while the files were deleted").isGreaterThan(3);
    disk.heal();
    server.tenants.delete(prod);
    assertThat(server.tenants.timelines()).isEmpty();
  }

  @Test
  void anAncestorCanBeDeletedWhileItsBranchIsOnItsWay() {
    disk.failAt(4);
    server.tenants.delete(branch);
    assertThat(branch.state()).isEqualTo(new TimelineState.Deleting());
    disk.heal();
    server.tenants.delete(prod);
    server.threads.pass(Duration.ofSeconds(2));
    assertThat(server.tenants.timelines()).isEmpty();
  }

  @Test
  void whatCanNotBeDeletedAtAStartIsDeletedLater() throws IOException {
    server.tenants.delete(branch);
    server.tenants.close();
    Path left = directory(BRANCH).resolveSibling(BRANCH + ".___deleted");
    Files.createDirectory(left);
    DurableFile.write(left.resolve("x"), new byte[1]);
    DurableFile.syncDirectory(left.resolveSibling(".").normalize());
    disk.failAt(OPERATIONS_OF_LOCK);
    server = open();
    assertThat(Files.exists(left)).isTrue();
    assertThat(server.tenants.find("prod").map(Timeline::state))
        .isEqualTo(Optional.of(new TimelineState.Active()));
    disk.heal();
    server.threads.pass(Duration.ofSeconds(2));
    assertThat(Files.exists(left)).isFalse();
  }
}
