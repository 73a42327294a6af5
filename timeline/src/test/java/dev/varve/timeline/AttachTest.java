package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.Content;
import dev.varve.remote.PutCondition;
import dev.varve.remote.StoreException;
import dev.varve.remote.directory.DirectoryStore;
import dev.varve.remote.generation.Generation;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Tenants that go from one node to another by way of the object store.
class AttachTest {

  private static final Duration SOON = Duration.ofMinutes(10);
  private static final TimelineId DEV = new TimelineId(1, 2);

  @TempDir private Path directory;
  private Bucket bucket;
  private SimulatedServer first;
  private Written written;
  private Written branched;

  /// A node with a timeline and a branch of it, all in the store.
  @BeforeEach
  void open() throws IOException {
    bucket = new Bucket(directory);
    first = bucket.open(new SimulatedDisk());
    UploadsTest.root(first);
    written = new Written();
    flush(prod(first), written, 5);
    long at = written.last();
    branched = written.branch(at);
    flush(prod(first), written, 5);
    Timeline dev = first.tenants.branch(prod(first), DEV, "dev", new Lsn(at));
    flush(dev, branched, 3);
    assertThat(first.tenants.upload(prod(first), SOON)).isTrue();
    assertThat(first.tenants.upload(dev, SOON)).isTrue();
  }

  private static Timeline prod(SimulatedServer server) {
    return server.tenants.find("prod").orElseThrow();
  }

  private static Timeline dev(SimulatedServer server) {
    return server.tenants.find("dev").orElseThrow();
  }

  private static void flush(Timeline timeline, Written history, int pages) {
    try (Ingest ingest = timeline.ingest()) {
      for (int i = 0; i < pages; i++) {
        history.image(ingest, i);
        history.change(ingest, i);
      }
    }
    timeline.checkpoint();
  }

  private void check(SimulatedServer server) {
    written.check(prod(server), START);
    branched.check(dev(server), START);
  }

  private static List<Path> files(SimulatedServer server) throws IOException {
    try (Stream<Path> files = Files.walk(server.disk.root().resolve("data"))) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  private static boolean isLayer(Path file) {
    return dev.varve.layer.LayerName.parse(file.getFileName().toString()).isPresent();
  }

  @Test
  void anotherNodeServesAllWithoutALayerFile() throws Exception {
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    long gets = bucket.store.count("get");
    List<Timeline> attached = second.tenants.attach(Fixture.TENANT);
    assertThat(attached).extracting(Timeline::name).containsExactlyInAnyOrder("prod", "dev");
    assertThat(bucket.store.count("get") - gets).as("manifest and index parts, twice").isEqualTo(6);
    check(second);
    assertThat(files(second)).noneMatch(AttachTest::isLayer);

    // It goes on, also after a restart, and the first node is nobody any more.
    flush(prod(second), written, 4);
    second = bucket.open(second.disk.crash(new SplittableRandom(2)), 4);
    second.threads.settle();
    check(second);
    assertThat(second.tenants.upload(prod(second), SOON)).isTrue();
    bucket.requireSame(second.tenants);
    assertThat(first.tenants.upload(prod(first), SOON)).isTrue(); // there was nothing to do
    flush(dev(first), branched.branch(branched.last()), 4);
    assertThat(first.tenants.upload(dev(first), SOON)).isFalse();
    assertThat(dev(first).state()).isInstanceOf(TimelineState.Lost.class);
    second.threads.pass(Duration.ofDays(1));
    check(second);
    bucket.requireSame(second.tenants);
  }

  @Test
  void whatTheNodeBeforePutsTooLateChangesNothing() throws Exception {
    // It is in the middle of an upload when the other one attaches the tenant.
    Written late = written.branch(written.last());
    flush(prod(first), late, 4);
    bucket.silence("cut off from the authority");
    first.tenants.upload(prod(first), SOON);
    bucket.silence(null);
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    second.tenants.attach(Fixture.TENANT);
    Lsn attachedAt = prod(second).lastRecordLsn();
    Written attached = late.branch(attachedAt.value());
    bucket.silence("cut off from the authority");
    flush(prod(first), late, 4);
    first.tenants.upload(prod(first), SOON);
    bucket.silence(null);
    second = bucket.open(second.disk.crash(new SplittableRandom(2)), 4);
    second.threads.pass(Duration.ofHours(3));
    assertThat(prod(second).lastRecordLsn()).isEqualTo(attachedAt);
    attached.check(prod(second), START);
    bucket.requireSound();
  }

  @Test
  void aCrashAnywhereInAnAttachIsNoHarm() throws Exception {
    boolean ended = false;
    for (int operation = 0; !ended; operation++) {
      var disk = new SimulatedDisk();
      SimulatedServer second = bucket.open(disk, operation);
      long before = disk.operations();
      disk.dieAt(operation);
      try {
        second.tenants.attach(Fixture.TENANT);
      } catch (PageserverException e) {
        assertThat(e).isNotInstanceOf(PageserverException.DataCorrupted.class);
      } catch (IllegalStateException e) {
        assertThat(disk.isDead()).isTrue();
      }
      ended = disk.operations() - before < operation;
      second = bucket.open(disk.crash(new SplittableRandom(operation)), operation);
      if (second.tenants.find("prod").isEmpty()) {
        second.tenants.attach(Fixture.TENANT);
      }
      check(second);
      second.threads.pass(Duration.ofMinutes(10));
      check(second);
      bucket.requireSame(second.tenants);
    }
  }

  @Test
  void aDetachedTenantIsInTheStoreAndNowhereElse() throws Exception {
    flush(prod(first), written, 3);
    first.tenants.detach(Fixture.TENANT, SOON);
    assertThat(first.tenants.timelines()).isEmpty();
    assertThat(files(first))
        .extracting(file -> file.getFileName().toString())
        .containsExactly("varve.lock");
    first.threads.pass(Duration.ofDays(1));
    assertThat(first.tenants.attach(Fixture.TENANT)).hasSize(2);
    check(first);
    flush(dev(first), branched, 2);
    assertThat(first.tenants.upload(dev(first), SOON)).isTrue();
    bucket.requireSame(first.tenants);
  }

  @Test
  void aTenantThatCanNotBeUploadedIsNotDetached() throws Exception {
    flush(prod(first), written, 3);
    bucket.store.fail((_, _) -> {
      throw new StoreException.Unavailable("the store is away");
    });
    assertThatThrownBy(() -> first.tenants.detach(Fixture.TENANT, Duration.ofMinutes(1)))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining("timeline \"prod\" is not in the object store as it is here")
        .hasMessageContaining("the store is away");
    bucket.store.fail((_, _) -> {});
    assertThat(prod(first).state()).isEqualTo(new TimelineState.Active());
    check(first);
    flush(prod(first), written, 3);
    first.tenants.detach(Fixture.TENANT, SOON);
    assertThat(first.tenants.timelines()).isEmpty();
  }

  @Test
  void aTenantThatWasLostIsAttachedAnew() throws Exception {
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    second.tenants.attach(Fixture.TENANT);
    assertThatThrownBy(() -> second.tenants.attach(Fixture.TENANT))
        .isInstanceOf(PageserverException.Conflict.class)
        .hasMessageContaining("is attached here already");
    flush(prod(second), written, 3);
    second.tenants.detach(Fixture.TENANT, SOON);
    flush(prod(first), written.branch(written.last()), 1); // nobody is to see this
    first.tenants.upload(prod(first), SOON);
    assertThat(prod(first).state()).isInstanceOf(TimelineState.Lost.class);
    first.tenants.attach(Fixture.TENANT);
    check(first);
    first.threads.pass(Duration.ofDays(1));
    bucket.requireSame(first.tenants);
  }

  @Test
  void saysWhyATenantCanNotBeAttached() throws Exception {
    var nobody = new TenantId(7, 7);
    assertThatThrownBy(() -> first.tenants.attach(nobody))
        .isInstanceOf(PageserverException.NotFound.class)
        .hasMessageStartingWith("there is no tenant " + nobody + " in ");
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    second.tenants.createRoot(
        nobody, new TimelineId(9, 9), "dev", 17, new Lsn(START), java.util.Map.of());
    assertThatThrownBy(() -> second.tenants.attach(Fixture.TENANT))
        .isInstanceOf(PageserverException.Conflict.class)
        .hasMessageContaining("there is a timeline \"dev\" on this server already");
    assertThat(bucket.steal(Fixture.TENANT)).as("nothing was taken").isEqualTo(new Generation(2));
    var alone =
        new SimulatedServer(
            new SimulatedDisk(), new SplittableRandom(1), Fixture.settings(8 << 20, 1 << 20));
    assertThatThrownBy(() -> alone.tenants.attach(nobody))
        .isInstanceOf(PageserverException.Unsupported.class)
        .hasMessageContaining("--remote");
  }

  @Test
  void whoCanNotReadATenantDoesNotTakeIt() throws Exception {
    var index = new RemoteName.Index(Fixture.TENANT, DEV, new Generation(1)).object();
    byte[] bytes = bucket.store.read(index);
    byte[] newer = "{\"format\":99}".getBytes(StandardCharsets.UTF_8);
    DirectoryStore files = DirectoryStore.open(directory.resolve("bucket"), InstantSource.system());
    files.put(index, Content.of(newer), PutCondition.ALWAYS, WatchedStore.LIMIT);
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    assertThatThrownBy(() -> second.tenants.attach(Fixture.TENANT))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining(index.value());
    first.threads.pass(Duration.ofMinutes(2));
    assertThat(prod(first).state()).isEqualTo(new TimelineState.Active());
    files.put(index, Content.of(bytes), PutCondition.ALWAYS, WatchedStore.LIMIT);
    second.tenants.attach(Fixture.TENANT);
    check(second);
  }

  /// Such as the folder under a file system that is not mounted.
  @Test
  void anEmptyStoreInThePlaceOfItsOwnGetsNothing() throws Exception {
    Path store = directory.resolve("bucket");
    Path own = putAside(store);
    SimulatedServer again = bucket.open(first.disk.crash(new SplittableRandom(3)), 4);
    flush(prod(again), written, 3);
    assertThat(again.tenants.upload(prod(again), Duration.ofMinutes(5))).isFalse();
    UploadState state = prod(again).uploadState().orElseThrow();
    assertThat(state.failure().orElseThrow())
        .startsWith(bucket.store + " has nothing of tenant " + Fixture.TENANT)
        .contains("is it mounted");
    assertThat(bucket.store.all()).isEmpty();
    TenantFiles.deleteTree(store);
    Files.move(own, store);
    again.threads.pass(Duration.ofMinutes(5));
    assertThat(again.tenants.upload(prod(again), SOON)).isTrue();
    bucket.requireSame(again.tenants);
  }

  private Path putAside(Path store) throws Exception {
    Path own = Files.move(store, directory.resolve("own"));
    try (var empty = DirectoryStore.open(store, InstantSource.system())) {
      assertThat(empty.list("", "", 1, WatchedStore.LIMIT).objects()).isEmpty();
    }
    return own;
  }

  /// The bucket was deleted, say.
  @Test
  void aNewStoreGetsAllWhenItIsSaidToBeOne() throws Exception {
    putAside(directory.resolve("bucket"));
    bucket.takeForNew();
    SimulatedServer again = bucket.open(first.disk.crash(new SplittableRandom(3)), 4);
    flush(prod(again), written, 3);
    assertThat(again.tenants.upload(prod(again), Duration.ofMinutes(5))).isTrue();
    again.threads.pass(Duration.ofDays(1));
    bucket.requireSame(again.tenants);
  }

  /// What is lost is deleted here by whoever tidies up.
  @Test
  void aTenantThatWasLostAndDeletedHereComesBack() throws Exception {
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    second.tenants.attach(Fixture.TENANT);
    first.threads.pass(Duration.ofMinutes(2));
    assertThat(prod(first).state()).isInstanceOf(TimelineState.Lost.class);
    first.tenants.delete(dev(first));
    first.tenants.delete(prod(first));
    flush(prod(second), written, 3);
    second.tenants.detach(Fixture.TENANT, SOON);
    assertThat(first.tenants.attach(Fixture.TENANT)).hasSize(2);
    check(first);
    flush(dev(first), branched, 2);
    assertThat(first.tenants.upload(dev(first), SOON)).isTrue();
    first.threads.pass(Duration.ofDays(1));
    bucket.requireSame(first.tenants);
  }

  @Test
  void aTenantThatHasNothingMoreIsNotAttached() throws Exception {
    first.tenants.delete(dev(first));
    first.tenants.delete(prod(first));
    first.threads.pass(Duration.ofMinutes(2));
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    for (SimulatedServer server : List.of(first, second)) {
      assertThatThrownBy(() -> server.tenants.attach(Fixture.TENANT))
          .isInstanceOf(PageserverException.NotFound.class)
          .hasMessageStartingWith("tenant " + Fixture.TENANT + " has no timelines any more in ");
    }
    assertThat(bucket.steal(Fixture.TENANT)).as("nothing was taken").isEqualTo(new Generation(2));
  }

  @Test
  void nothingIsBranchedInATenantThatIsBeingDetached() throws Exception {
    flush(prod(first), written, 3);
    var refused = new ArrayList<Exception>();
    bucket.store.fail((operation, acted) -> {
      if (acted && operation.contains("index-") && refused.isEmpty()) {
        try {
          first.tenants.branch(prod(first), new TimelineId(3, 3), "late", new Lsn(written.last()));
          refused.add(new Exception("not refused"));
        } catch (PageserverException e) {
          refused.add(e);
        }
      }
    });
    first.tenants.detach(Fixture.TENANT, SOON);
    bucket.store.fail((_, _) -> {});
    assertThat(refused)
        .singleElement()
        .isInstanceOf(PageserverException.Unavailable.class)
        .extracting(Exception::getMessage)
        .isEqualTo("tenant " + Fixture.TENANT + " is being attached or detached");
    assertThat(first.tenants.timelines()).isEmpty();
    assertThat(first.tenants.attach(Fixture.TENANT)).hasSize(2);
    check(first);
  }

  /// Its node went after the manifest was put.
  @Test
  void aBranchThatOnlyTheManifestNamesHasWhatItsAncestorHas() throws Exception {
    var index = new RemoteName.Index(Fixture.TENANT, DEV, new Generation(1)).object();
    DirectoryStore.open(directory.resolve("bucket"), InstantSource.system())
        .delete(List.of(index), WatchedStore.LIMIT);
    SimulatedServer second = bucket.open(new SimulatedDisk(), 4);
    assertThat(second.tenants.attach(Fixture.TENANT)).hasSize(2);
    written.check(prod(second), START);
    written.branch(dev(second).ancestorLsn().value()).check(dev(second), START);
  }
}
