package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.FileLayer;
import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.remote.StoreException;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Layer files go when the object store has them and the disk is to have room.
class EvictionTest {

  private static final Duration SOON = Duration.ofMinutes(10);

  @TempDir private Path directory;
  private Bucket bucket;
  private SimulatedServer server;
  private Written written;

  /// What the disk says of itself.
  private DiskSpace.Space space = new DiskSpace.Space(1 << 20, 1 << 20);

  @BeforeEach
  void make() throws IOException {
    bucket = new Bucket(directory);
    written = new Written();
    server = bucket.open(new SimulatedDisk());
    UploadsTest.root(server);
  }

  private void open(Duration age) throws IOException {
    bucket.cache(new CacheSettings(age, 90, 80, 0, _ -> space));
    server = bucket.open(server.disk.crash(new SplittableRandom(1)));
  }

  private Timeline prod() {
    return server.tenants.find("prod").orElseThrow();
  }

  private void flush(int first, int pages) {
    try (Ingest ingest = prod().ingest()) {
      for (int i = 0; i < pages; i++) {
        written.image(ingest, first + i);
      }
    }
    prod().checkpoint();
  }

  private void upload() {
    assertThat(server.tenants.upload(prod(), SOON)).isTrue();
  }

  private static List<Path> files(Timeline timeline) throws IOException {
    var files = new ArrayList<Path>();
    timeline
        .index()
        .files()
        .forEachLayer((name, _) -> files.add(timeline.index().files().layer(name)));
    return files;
  }

  private EvictionState eviction() {
    return server.tenants.eviction().orElseThrow();
  }

  @Test
  void whatWasNotUsedForAWhileGoes() throws Exception {
    open(Duration.ofHours(1));
    flush(1, 5);
    server.threads.pass(Duration.ofMinutes(70));
    assertThat(files(prod())).as("not uploaded yet").containsExactly(newest(files(prod())));
    upload();
    server.threads.pass(Duration.ofMinutes(61));
    assertThat(files(prod())).isEmpty();
    assertThat(eviction().layers()).isEqualTo(prod().layerCount());
    assertThat(eviction().bytes()).isEqualTo(prod().layerBytes());
    written.check(prod(), START);
    bucket.requireSame(server.tenants);
  }

  @Test
  void whatIsUsedStaysAlsoWhenTheTimelineRestsInBetween() throws Exception {
    open(Duration.ofHours(2));
    upload();
    flush(1, 5);
    upload();
    List<Path> all = files(prod());
    for (int hour = 0; hour < 4; hour++) {
      Fixture.read(prod(), 1, written.last()); // of the newest layer
      server.threads.pass(Duration.ofMinutes(60));
      assertThat(prod().index().maps().peek().isAtRest()).as("hour %d", hour).isTrue();
    }
    assertThat(files(prod())).containsExactly(newest(all));
    written.check(prod(), START);
    server.threads.pass(Duration.ofHours(3));
    assertThat(files(prod())).isEmpty();
    assertThat(prod().index().maps().peek().isAtRest()).isTrue();
  }

  private Path newest(List<Path> files) throws IOException {
    LayerEntry last =
        prod().index().current().layers().stream()
            .reduce((a, b) -> a.name().lsns().end().isAfter(b.name().lsns().end()) ? a : b)
            .orElseThrow();
    Path path = prod().index().files().layer(last.name());
    assertThat(files).contains(path);
    return path;
  }

  @Test
  void aRestartRemembersWhatWasUsed() throws Exception {
    open(Duration.ofHours(2));
    upload();
    flush(1, 5);
    upload();
    server.threads.pass(Duration.ofMinutes(100));
    Fixture.read(prod(), 1, written.last());
    Path used = newest(files(prod()));
    server.tenants.close();
    bucket.cache(new CacheSettings(Duration.ofHours(2), 90, 80, 0, _ -> space));
    server =
        new SimulatedServer(
            server.disk.crash(new SplittableRandom(1)),
            new SplittableRandom(1),
            Fixture.settings(8 << 20, 1 << 20),
            DataModel.of(_ -> new HashRedo()),
            SimulatedServer.NOW.plus(Duration.ofMinutes(130)),
            bucket::remote);
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(files(prod())).extracting(Path::toString).containsExactly(used.toString());
  }

  @Test
  void aFullDiskLosesWhatWasNotUsedForLongestOfAllTimelinesDownToTheLowMark() throws Exception {
    open(Duration.ZERO);
    flush(1, 30);
    upload();
    Timeline branch =
        server.tenants.branch(prod(), new TimelineId(2, 2), "b", new Lsn(written.last()));
    Written ofBranch = written.branch(written.last());
    server.threads.pass(Duration.ofMinutes(1));
    try (Ingest ingest = branch.ingest()) {
      for (int i = 0; i < 30; i++) {
        ofBranch.image(ingest, i);
      }
    }
    branch.checkpoint();
    assertThat(server.tenants.upload(branch, SOON)).isTrue();
    server.threads.pass(Duration.ofMinutes(30));
    assertThat(eviction().layers()).isZero();
    written.check(prod(), START); // now the branch is what was not used
    server.threads.pass(Duration.ofMinutes(2));
    long own = server.disk.used();
    long oldest = branch.layerBytes();
    fillTo(own, oldest);
    server.threads.pass(Duration.ofMinutes(2));
    branch = server.tenants.find("b").orElseThrow();
    assertThat(files(branch)).isEmpty();
    assertThat(files(prod())).hasSize(prod().layerCount());
    assertThat(eviction().bytes()).isEqualTo(oldest);
    assertThat(eviction().shortage()).isEmpty();
    ofBranch.check(branch, START);
    written.check(prod(), START);
  }

  @Test
  void whileTheStoreDoesNotAnswerNothingGoes() throws Exception {
    open(Duration.ofHours(1));
    flush(1, 5);
    upload();
    List<Path> all = files(prod());
    bucket.store.fail((_, _) -> {
      throw new StoreException.Unavailable("the network is gone");
    });
    space = new DiskSpace.Space(1000, 10);
    server.threads.pass(Duration.ofHours(3));
    assertThat(files(prod())).containsExactlyElementsOf(all);
    written.check(prod(), START);
    assertThat(eviction().shortage().orElseThrow())
        .contains("99 percent full")
        .contains("does not answer: ")
        .contains("the network is gone");
    bucket.store.fail((_, _) -> {});
    server.threads.pass(Duration.ofMinutes(3));
    assertThat(files(prod())).isEmpty();
    written.check(prod(), START);
  }

  /// Reopens with a disk that is 91 percent full, and below 80 percent when `toFree` is gone.
  private void fillTo(long own, long toFree) throws IOException {
    long capacity = toFree * 100 / 12;
    long others = capacity * 91 / 100 + 1 - own;
    bucket.cache(
        new CacheSettings(
            Duration.ZERO,
            90,
            80,
            0,
            _ -> new DiskSpace.Space(capacity, capacity - others - server.disk.used())));
    server.tenants.close();
    SimulatedDisk disk = server.disk.crash(new SplittableRandom(1));
    server =
        new SimulatedServer(
            disk,
            new SplittableRandom(1),
            Fixture.settings(8 << 20, 1 << 20),
            DataModel.of(_ -> new HashRedo()),
            SimulatedServer.NOW.plus(Duration.ofHours(1)),
            bucket::remote);
  }

  @Test
  void whatIsNotUploadedStaysAndTheStateSaysSo() throws Exception {
    open(Duration.ofSeconds(1));
    bucket.store.fail((operation, _) -> {
      if (operation.startsWith("put")) {
        throw new StoreException.Unavailable("the network is gone");
      }
    });
    flush(1, 5);
    space = new DiskSpace.Space(1 << 20, 1 << 10);
    server.threads.pass(Duration.ofHours(3));
    assertThat(files(prod())).hasSize(prod().layerCount());
    assertThat(eviction().layers()).isZero();
    assertThat(eviction().usedPercent()).isEqualTo(100);
    assertThat(eviction().shortage().orElseThrow())
        .contains("100 percent full", "not in the object store yet");
    bucket.store.fail((_, _) -> {});
    upload();
    server.threads.settle();
    assertThat(files(prod())).isEmpty();
  }

  @Test
  void nothingGoesBeforeTheIndexPartIsProven() throws Exception {
    open(Duration.ofSeconds(1));
    upload();
    bucket.silence("the authority is away");
    flush(1, 5);
    assertThat(server.tenants.upload(prod(), Duration.ofMinutes(5))).isFalse();
    server.threads.pass(Duration.ofMinutes(5));
    assertThat(bucket.store.index(prod().id())).contains(prod().index().current());
    assertThat(files(prod())).hasSize(prod().layerCount());
    bucket.silence(null);
    upload();
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(files(prod())).isEmpty();
  }

  @Test
  void aLostTenantKeepsWhatItHas() throws Exception {
    open(Duration.ofHours(5));
    flush(1, 5);
    upload();
    bucket.steal(Fixture.TENANT);
    prod().lease(new Lsn(START), Duration.ofDays(1)); // something to be uploaded
    server.threads.pass(Duration.ofHours(3));
    assertThat(prod().state()).isInstanceOf(TimelineState.Lost.class);
    server.threads.pass(Duration.ofHours(10));
    assertThat(files(prod())).hasSize(prod().layerCount());
  }

  @Test
  void mergesOfEvictedLayersReadThemByRanges() throws Exception {
    open(Duration.ofHours(1));
    for (int i = 0; i < 3; i++) {
      flush(1, 5);
    }
    upload();
    server.threads.pass(Duration.ofMinutes(70));
    assertThat(files(prod())).isEmpty();
    flush(1, 5);
    prod().compact();
    server.threads.settle();
    assertThat(prod().layerCount()).isEqualTo(1);
    assertThat(files(prod())).hasSize(1);
    upload();
    bucket.requireSame(server.tenants);
    written.check(prod(), START);
  }

  @Test
  void anIndexPartThatIsLostIsMissedWithoutLayerFilesToo() throws Exception {
    open(Duration.ofMinutes(1));
    flush(1, 5);
    upload();
    server.threads.pass(Duration.ofMinutes(3));
    assertThat(files(prod())).isEmpty();
    Path index = prod().index().files().directory().resolve(TimelineFiles.INDEX);
    Files.delete(index);
    DurableFile.syncDirectory(prod().index().files().directory());
    server = bucket.open(server.disk.crash(new SplittableRandom(1)));
    assertThat(prod().state())
        .isInstanceOfSatisfying(
            TimelineState.Broken.class,
            broken -> assertThat(broken.reason()).contains("index_part.json is missing"));
  }

  @Test
  void readsGoOnWhileLayersGo() throws Exception {
    open(Duration.ofMinutes(1));
    flush(1, 40);
    upload();
    LayerMap map = prod().index().maps().acquire();
    try {
      server.threads.pass(Duration.ofMinutes(3));
      map.historic()
          .forEach(file -> assertThat(((FileLayer) file.layer()).residency().isRemote()).isTrue());
      written.check(prod(), START);
    } finally {
      map.release();
    }
    assertThat(Files.exists(prod().index().files().directory())).isTrue();
  }
}
