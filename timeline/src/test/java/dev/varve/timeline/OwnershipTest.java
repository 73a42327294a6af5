package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.remote.Content;
import dev.varve.remote.PutCondition;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Who may write a tenant's objects, and which of them go.
class OwnershipTest {

  private static final Duration SOON = Duration.ofMinutes(10);

  @TempDir private Path directory;
  private Bucket bucket;
  private SimulatedServer server;
  private Written written;

  @BeforeEach
  void open() throws IOException {
    bucket = new Bucket(directory);
    server = bucket.open(new SimulatedDisk());
    UploadsTest.root(server);
    written = new Written();
  }

  private Timeline prod() {
    return server.tenants.find("prod").orElseThrow();
  }

  private static UploadState state(Timeline timeline) {
    return timeline.uploadState().orElseThrow();
  }

  private void flush(Timeline timeline, Written history, int pages) {
    try (Ingest ingest = timeline.ingest()) {
      for (int i = 0; i < pages; i++) {
        history.image(ingest, i);
      }
    }
    timeline.checkpoint();
  }

  private boolean upload(Timeline timeline) {
    return server.tenants.upload(timeline, SOON);
  }

  private void putManifest(Generation generation) throws Exception {
    bucket.store.put(
        new RemoteName.Manifest(Fixture.TENANT, generation).object(),
        Content.of(bucket.store.manifest().orElseThrow().bytes()),
        PutCondition.ALWAYS,
        WatchedStore.LIMIT);
  }

  /// The process is gone at once.
  private void restart() throws IOException {
    server = bucket.open(server.disk.crash(new SplittableRandom(1)));
  }

  @Test
  void whoHasLostTheTenantHarmsNothing() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    bucket.steal(Fixture.TENANT);
    flush(prod(), written, 3);
    prod().compact();
    server.threads.settle();
    assertThat(upload(prod())).isFalse();
    assertThat(bucket.store.count("delete")).isZero();
    assertThat(state(prod()).remoteConsistentLsn()).isLessThan(prod().diskConsistentLsn());
    String reason =
        "tenant "
            + Fixture.TENANT
            + " is not this node's any more: it was attached elsewhere after"
            + " generation 00000001; varve attach "
            + Fixture.TENANT
            + " takes it back";
    assertThat(state(prod()).lost()).contains(reason);
    assertThat(prod().state()).isEqualTo(new TimelineState.Lost(reason));
    assertThatThrownBy(() -> Fixture.read(prod(), 0, START))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessage(reason);
    assertThatThrownBy(() -> prod().ingest()).hasMessage(reason);
    long before = bucket.store.count("");
    server.tenants.delete(prod());
    server.threads.pass(Duration.ofDays(1));
    assertThat(bucket.store.count("")).isEqualTo(before);
    bucket.requireSound();
  }

  /// Nothing is uploaded that would show it.
  @Test
  void whoHasLostAnIdleTenantKnowsSoon() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    long requests = bucket.store.count("");
    server.threads.pass(Duration.ofMinutes(5));
    bucket.silence("the authority is away");
    bucket.steal(Fixture.TENANT);
    server.threads.pass(Duration.ofMinutes(5));
    written.check(prod(), START);
    bucket.silence(null);
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(prod().state()).isInstanceOf(TimelineState.Lost.class);
    assertThat(bucket.store.count("")).as("requests").isEqualTo(requests);
  }

  /// An etcd that was set up anew, or put back from a copy, must not stop all its nodes.
  @Test
  void anAuthorityThatForgetsTakesNothingAway() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    bucket.forget();
    flush(prod(), written, 3);
    server.threads.pass(Duration.ofHours(4));
    assertThat(upload(prod())).isFalse();
    assertThat(state(prod()).failure().orElseThrow())
        .contains("knows of none after 00000000: it has forgotten some");
    assertThat(bucket.store.count("delete")).isZero();
    written.check(prod(), START);
    restart();
    server.threads.pass(Duration.ofMinutes(1));
    assertThat(bucket.store.newest()).isEqualTo(new Generation(2));
    assertThat(upload(prod())).isTrue();
    bucket.requireSame(server.tenants);
  }

  @Test
  void aDirectoryThatIsBehindIsNotServed() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    Generation other = bucket.steal(Fixture.TENANT);
    putManifest(other);
    restart();
    String reason =
        "tenant %s was attached elsewhere: %s has its generation 00000002, and this data directory"
                .formatted(Fixture.TENANT, bucket.store)
            + " 00000001; varve attach "
            + Fixture.TENANT
            + " takes it back";
    assertThat(state(prod()).lost()).contains(reason);
    assertThatThrownBy(() -> Fixture.read(prod(), 0, START)).hasMessage(reason);
    assertThat(bucket.steal(Fixture.TENANT)).as("not taken away").isEqualTo(new Generation(3));
  }

  @Test
  void aGenerationThatCameToNothingIsNoOwner() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    bucket.steal(Fixture.TENANT);
    restart();
    server.threads.pass(Duration.ofMinutes(1));
    assertThat(bucket.store.newest()).isEqualTo(new Generation(3));
    assertThat(upload(prod())).isTrue();
    written.check(prod(), START);
  }

  /// Between the look for a manifest and the question for a generation another node may attach the
  /// tenant; it has a generation, but no manifest yet.
  @Test
  void aTenantThatAnotherNodeAttachesJustNowIsNotTakenBack() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    Generation other = bucket.stealFor("node-2", Fixture.TENANT);
    restart();
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(state(prod()).failure().orElseThrow()).contains("may be on its way to node-2");
    assertThat(state(prod()).lost()).isEmpty();
    written.check(prod(), START);
    putManifest(other);
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(state(prod()).lost().orElseThrow()).contains("has its generation 00000002");
    assertThat(bucket.steal(Fixture.TENANT)).as("not taken back").isEqualTo(new Generation(3));
  }

  @Test
  void aTenantThatAnotherNodeNeverAttachedIsGoneOnWith() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    bucket.stealFor("node-2", Fixture.TENANT);
    restart();
    server.threads.pass(Duration.ofMinutes(5));
    assertThat(bucket.store.newest()).isEqualTo(new Generation(3));
    assertThat(upload(prod())).isTrue();
    written.check(prod(), START);
  }

  @Test
  void theDirectoryAloneWillDoAtTheStart() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    bucket.silence("the authority is away");
    restart();
    written.check(prod(), START);
    flush(prod(), written, 2);
    server.threads.pass(Duration.ofDays(1));
    assertThat(state(prod()).failure().orElseThrow()).contains("the authority is away");
    assertThat(bucket.store.newest()).isEqualTo(new Generation(1));
    assertThat(prod().index().current().layers().getLast().generation())
        .isEqualTo(new Generation(1));
    bucket.silence(null);
    server.threads.pass(Duration.ofHours(3));
    bucket.requireSame(server.tenants);
    assertThat(bucket.store.newest()).isEqualTo(new Generation(2));
  }

  /// The store has the manifest that names the branch, though nobody here knows.
  @Test
  void aTimelineIsForgottenThatAManifestNamesWhosePutSeemedToFail() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    bucket.store.fail((operation, acted) -> {
      if (acted && operation.contains("manifest")) {
        throw new StoreException.Unavailable("no answer");
      }
    });
    Timeline branch = server.tenants.branch(prod(), new TimelineId(2, 2), "b", new Lsn(START));
    server.threads.settle();
    assertThat(bucket.store.manifest().orElseThrow().names(branch.id())).isTrue();
    server.tenants.delete(branch);
    bucket.store.fail((_, _) -> {});
    server.threads.pass(Duration.ofHours(1));
    bucket.requireSame(server.tenants);
  }

  @Test
  void aTimelineThatIsDeletedIsForgottenFirst() throws Exception {
    Timeline branch = server.tenants.branch(prod(), new TimelineId(2, 2), "b", new Lsn(START));
    flush(branch, written.branch(START), 3);
    upload(branch);
    bucket.store.fail((_, _) -> {
      throw new StoreException.Unavailable("the store is away");
    });
    server.tenants.delete(branch);
    server.threads.pass(Duration.ofHours(1));
    assertThat(server.tenants.timelines()).containsExactly(prod());
    assertThatThrownBy(() -> server.tenants.branch(prod(), branch.id(), "c", new Lsn(START)))
        .hasMessage(
            "timeline %s was deleted, perhaps not from the object store yet; choose another id"
                .formatted(branch.id()));
    restart();
    bucket.store.fail((_, _) -> {});
    bucket.store.events.clear();
    server.threads.pass(Duration.ofHours(1));
    bucket.requireSame(server.tenants);
    assertThat(bucket.store.all())
        .noneMatch(name -> name.object().value().contains(branch.id().toString()));
    assertThat(bucket.store.events.stream().filter(each -> each.contains("manifest")).findFirst())
        .isPresent();
    Timeline again = server.tenants.branch(prod(), branch.id(), "c", new Lsn(START));
    assertThat(upload(again)).isTrue();
    server.tenants.delete(again);
    server.threads.pass(Duration.ofHours(1));
    bucket.requireSame(server.tenants);
    assertThatThrownBy(() -> server.tenants.branch(prod(), branch.id(), "c", new Lsn(START)))
        .as("within one generation")
        .isInstanceOf(PageserverException.Conflict.class);
  }

  @Test
  void aTimelineWhoseDirectoryIsGoneStaysInTheStore() throws Exception {
    Timeline branch = server.tenants.branch(prod(), new TimelineId(2, 2), "b", new Lsn(START));
    upload(branch);
    SimulatedDisk disk = server.disk.crash(new SplittableRandom(1));
    Path timelines =
        disk.root().resolve("data/tenants").resolve(Fixture.TENANT.toString()).resolve("timelines");
    TenantFiles.deleteTree(timelines.resolve(branch.id().toString()));
    server = bucket.open(disk);
    flush(prod(), written, 1);
    upload(prod());
    server.threads.pass(Duration.ofDays(1));
    assertThat(server.tenants.find("b")).isEmpty();
    assertThat(bucket.store.manifest().orElseThrow().names(branch.id())).isTrue();
    assertThat(bucket.store.index(branch.id())).isPresent();
  }

  private static SimulatedDisk copy(Path root) throws IOException {
    var copy = new SimulatedDisk();
    Path data = root.resolve("data");
    try (Stream<Path> all = Files.walk(data)) {
      for (Path path : all.toList()) {
        Path target = copy.root().resolve(root.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectory(target);
        } else {
          Files.write(target, Files.readAllBytes(path));
        }
      }
    }
    return copy;
  }

  @Test
  void aDirectoryFromACopyUndoesNothing() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    SimulatedDisk copy = copy(server.disk.root());
    flush(prod(), written, 3);
    upload(prod());
    IndexPart newest = bucket.store.index(prod().id()).orElseThrow();
    server = bucket.open(copy);
    server.threads.pass(Duration.ofDays(1));
    assertThat(state(prod()).failure().orElseThrow()).contains("which must be of a copy");
    assertThat(upload(prod())).isFalse();
    assertThat(bucket.store.index(prod().id())).contains(newest);
    assertThat(bucket.store.events)
        .noneMatch(event -> event.startsWith("delete") && event.contains("timelines"));
  }
}
