package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.LayerName;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.directory.DirectoryStore;
import dev.varve.remote.generation.Generation;
import dev.varve.task.RealThreads;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is found in a store that is not as it should be.
class ScrubTest {

  @TempDir private Path directory;
  private Bucket bucket;
  private SimulatedServer server;
  private final Written written = new Written();
  private final List<String> problems = new ArrayList<>();
  private final List<String> orphans = new ArrayList<>();

  @BeforeEach
  void open() throws IOException {
    bucket = new Bucket(directory);
    server = bucket.open(new SimulatedDisk());
    UploadsTest.root(server);
    flush(written);
    flush(written);
    Timeline branch =
        server.tenants.branch(prod(), new TimelineId(1, 2), "dev", new Lsn(written.last()));
    assertThat(server.tenants.upload(branch, Duration.ofHours(1))).isTrue();
    assertThat(server.tenants.upload(prod(), Duration.ofHours(1))).isTrue();
  }

  private Timeline prod() {
    return server.tenants.find("prod").orElseThrow();
  }

  private void flush(Written written) {
    try (Ingest ingest = prod().ingest()) {
      for (int i = 0; i < 5; i++) {
        written.image(ingest, i);
      }
    }
    prod().checkpoint();
  }

  private DirectoryStore unwatched() throws IOException {
    return DirectoryStore.open(directory.resolve("bucket"), InstantSource.system());
  }

  private Scrub.Totals scrub(boolean readAll, Duration age, boolean delete)
      throws IOException, InterruptedException {
    return scrub(bucket.store, readAll, age, delete);
  }

  private Scrub.Totals scrub(ObjectStore store, boolean readAll, Duration age, boolean delete)
      throws IOException, InterruptedException {
    problems.clear();
    orphans.clear();
    return scrub(store, InstantSource.system(), readAll, age, delete);
  }

  private Scrub.Totals scrub(
      ObjectStore store, InstantSource clock, boolean readAll, Duration age, boolean delete)
      throws IOException, InterruptedException {
    LockSupport.parkNanos(
        20_000_000); // what was put just now is older by a tick of the files' clock
    try (var threads = new RealThreads(clock, 1)) {
      var storage =
          new RemoteStorage(store, threads, new SplittableRandom(1), RemoteLimits.DEFAULT);
      return Scrub.run(
          storage,
          clock,
          new Scrub.Options(readAll, age, delete),
          new Scrub.Listener() {
            @Override
            public void problem(String sentence) {
              problems.add(sentence);
            }

            @Override
            public void orphan(ObjectState object, boolean deleted) {
              assertThat(deleted).isEqualTo(delete);
              orphans.add(object.name().value());
            }

            @Override
            public void checked(TenantId tenant, Scrub.Totals soFar) {}
          });
    }
  }

  private Scrub.Totals scrub() throws IOException, InterruptedException {
    return scrub(false, Duration.ofDays(3), false);
  }

  private List<ObjectName> layers() throws IOException, InterruptedException {
    return bucket.store.all().stream()
        .filter(RemoteName.LayerFile.class::isInstance)
        .map(RemoteName::object)
        .toList();
  }

  private void put(ObjectName name, byte[] bytes) throws IOException, InterruptedException {
    bucket.store.put(name, Content.of(bytes), PutCondition.ALWAYS, WatchedStore.LIMIT);
  }

  @Test
  void aWholeStoreHasNoFindings() throws Exception {
    for (boolean readAll : new boolean[] {false, true}) {
      Scrub.Totals totals = scrub(readAll, Duration.ZERO, true);
      assertThat(problems).isEmpty();
      assertThat(orphans).isEmpty();
      assertThat(totals.tenants()).isEqualTo(1);
      assertThat(totals.timelines()).isEqualTo(2);
      assertThat(totals.layers()).isEqualTo(layers().size()).isPositive();
      assertThat(totals.young()).isZero();
    }
    bucket.requireSame(server.tenants);
  }

  @Test
  void findsLayersThatAreMissingCutOrNotWhatWasWritten() throws Exception {
    ObjectName layer = layers().getFirst();
    byte[] bytes = bucket.store.read(layer);
    bucket.store.delete(List.of(layer), WatchedStore.LIMIT);
    scrub();
    assertThat(problems).containsExactly(layer + " is missing");
    put(layer, java.util.Arrays.copyOf(bytes, bytes.length - 1));
    scrub();
    assertThat(problems)
        .containsExactly(
            layer + " has " + (bytes.length - 1) + " bytes instead of " + bytes.length);
    bytes[bytes.length / 2] ^= 1;
    put(layer, bytes);
    assertThat(scrub().problems()).isEqualTo(1);
    assertThat(problems).containsExactly(layer + " is not what was written: its checksum is wrong");
  }

  @Test
  void whatIsNamedByNothingThatCanBeReadIsLeftAlone() throws Exception {
    var index = new RemoteName.Index(Fixture.TENANT, prod().id(), new Generation(1)).object();
    bucket.store.delete(List.of(index), WatchedStore.LIMIT);
    List<ObjectName> before = layers();
    Scrub.Totals totals = scrub(false, Duration.ZERO, true);
    assertThat(problems).singleElement().asString().contains("\"prod\"", "has no index part");
    assertThat(orphans).isEmpty();
    assertThat(layers()).isNotEmpty().isEqualTo(before);
    assertThat(totals.unjudged()).isEqualTo(before.size());
    assertThat(totals.young()).isZero();
  }

  /// What is of another timeline is judged all the same.
  @Test
  void aTimelineThatCanNotBeReadIsSaidOnceAndKeepsItsObjects() throws Exception {
    var index = new RemoteName.Index(Fixture.TENANT, prod().id(), new Generation(1)).object();
    byte[] bytes = bucket.store.read(index);
    bytes[bytes.length / 2] ^= 1;
    unwatched().put(index, Content.of(bytes), PutCondition.ALWAYS, WatchedStore.LIMIT);
    List<ObjectName> before = layers();
    var orphan =
        new RemoteName.LayerFile(Fixture.TENANT, new TimelineId(1, 2), layer(), new Generation(9));
    put(orphan.object(), new byte[500]);
    Scrub.Totals totals = scrub(false, Duration.ZERO, true);
    assertThat(problems).singleElement().asString().contains(index.value());
    assertThat(orphans).containsExactly(orphan.object().value());
    assertThat(totals.deleted()).isEqualTo(1);
    assertThat(totals.problems()).isEqualTo(1);
    assertThat(totals.unjudged()).as("with the index part itself").isEqualTo(before.size() + 1);
    assertThat(layers()).isEqualTo(before);
  }

  @Test
  void aTenantWhoseManifestCanNotBeReadKeepsItsObjects() throws Exception {
    ObjectName manifest = StoredManifest.name(Fixture.TENANT, new Generation(1));
    int before = bucket.store.all().size();
    put(manifest, new byte[100]);
    Scrub.Totals totals = scrub(false, Duration.ZERO, true);
    assertThat(problems).singleElement().asString().contains(manifest.value());
    assertThat(orphans).isEmpty();
    assertThat(totals.unjudged()).isEqualTo(before - 1);
    assertThat(bucket.store.all()).hasSize(before);
  }

  private LayerName layer() throws IOException, InterruptedException {
    return ((RemoteName.LayerFile) RemoteName.parse(layers().getFirst()).orElseThrow()).layer();
  }

  @Test
  void deletesOrphansThatAreOldEnoughAndNothingElse() throws Exception {
    var other = new RemoteName.LayerFile(Fixture.TENANT, prod().id(), layer(), new Generation(9));
    put(other.object(), new byte[500]);
    var foreign = new ObjectName("tenants/" + Fixture.TENANT + "/notes.txt");
    put(foreign, new byte[5]);
    Scrub.Totals totals = scrub();
    assertThat(totals.young()).isEqualTo(1);
    assertThat(totals.foreign()).isEqualTo(1);
    assertThat(orphans).isEmpty();
    totals = scrub(false, Duration.ZERO, false);
    assertThat(orphans).containsExactly(other.object().value());
    assertThat(totals.deleted()).isZero();
    unwatched().delete(List.of(foreign), WatchedStore.LIMIT);
    totals = scrub(false, Duration.ZERO, true);
    assertThat(totals.deleted()).isEqualTo(1);
    scrub(true, Duration.ZERO, true);
    assertThat(problems).isEmpty();
    assertThat(orphans).isEmpty();
    assertThat(layers()).isNotEmpty().doesNotContain(other.object());
  }

  @Test
  void aClockThatIsOffMakesNothingOld() throws Exception {
    var young = new RemoteName.LayerFile(Fixture.TENANT, prod().id(), layer(), new Generation(9));
    put(young.object(), new byte[500]);
    InstantSource fast = InstantSource.offset(InstantSource.system(), Duration.ofDays(30));
    assertThat(scrub(unwatched(), fast, false, Duration.ofDays(3), true).young()).isEqualTo(1);
    assertThat(orphans).isEmpty();
    assertThat(layers()).contains(young.object());
    assertThat(bucket.store.all()).allMatch(name -> name.tenant().equals(Fixture.TENANT));
  }

  /// What an upload has put, and has no index part for yet, is an orphan to all who look. It may be
  /// deleted, but not missed.
  @Test
  void whatIsDeletedWhileItWaitsForItsIndexPartIsPutAgain() throws Exception {
    bucket.store.fail((operation, _) -> {
      if (operation.startsWith("put") && operation.contains("/index-")) {
        throw new StoreException.Unavailable("not now");
      }
    });
    flush(written);
    assertThat(server.tenants.upload(prod(), Duration.ofMinutes(1))).isFalse();
    server.threads.pass(Duration.ofHours(4));
    scrub(unwatched(), false, Duration.ZERO, true);
    assertThat(orphans).hasSize(1);
    bucket.store.fail((_, _) -> {});
    assertThat(server.tenants.upload(prod(), Duration.ofHours(1))).isTrue();
    bucket.requireSame(server.tenants);
    scrub();
    assertThat(problems).isEmpty();
  }
}
