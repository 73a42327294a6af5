package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.FileLayer;
import dev.varve.layer.LayerState;
import dev.varve.model.TimelineId;
import dev.varve.remote.StoreException;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole layers come back when they are read often.
class DownloadsTest {

  private static final Duration SOON = Duration.ofMinutes(10);
  private static final int PAGES = 100;

  @TempDir private Path directory;
  private Bucket bucket;
  private SimulatedServer server;
  private Written written;
  private DiskSpace.Space space = new DiskSpace.Space(1L << 30, 1L << 30);

  /// One layer in the store, and none here.
  @BeforeEach
  void open() throws Exception {
    bucket = new Bucket(directory);
    written = new Written();
    bucket.cache(new CacheSettings(Duration.ofMinutes(1), 90, 80, 2, _ -> space));
    server = bucket.open(new SimulatedDisk());
    UploadsTest.root(server);
    try (Ingest ingest = prod().ingest()) {
      for (int i = 0; i < PAGES; i++) {
        written.image(ingest, i);
      }
    }
    prod().checkpoint();
    prod().compact();
    server.threads.settle();
    assertThat(server.tenants.upload(prod(), SOON)).isTrue();
    server.threads.pass(Duration.ofMinutes(3));
    assertThat(server.tenants.eviction().orElseThrow().layers()).isPositive();
    reopen(space);
    assertThat(state()).isInstanceOf(LayerState.Evicted.class);
  }

  /// As after a crash, with nothing in the block cache; and nothing is evicted from now on.
  private void reopen(DiskSpace.Space newSpace) throws IOException {
    space = newSpace;
    bucket.cache(new CacheSettings(Duration.ZERO, 90, 80, 2, _ -> space));
    server = bucket.open(server.disk.crash(new SplittableRandom(2)));
    server.threads.pass(Duration.ofSeconds(10));
  }

  private Timeline prod() {
    return server.tenants.find("prod").orElseThrow();
  }

  private LayerEntry entry() throws IOException {
    return prod().index().current().layers().getFirst();
  }

  private LayerState state() throws IOException {
    LayerMap map = prod().index().maps().acquire();
    try {
      var files = new ArrayList<HistoricLayer>();
      map.historic().forEach(files::add);
      assertThat(files).hasSize(1);
      return ((FileLayer) files.getFirst().layer()).residency().state();
    } finally {
      map.release();
    }
  }

  private Path file() throws IOException {
    return prod().index().files().layer(entry().name());
  }

  private List<Path> temporary() throws IOException {
    try (Stream<Path> all = Files.list(prod().index().files().directory())) {
      return all.filter(file -> file.toString().endsWith(DurableFile.TEMPORARY)).toList();
    }
  }

  private void readAll() {
    for (int i = 1; i < PAGES; i++) {
      written.checkPage(prod(), i, written.last());
    }
  }

  @Test
  void aLayerThatIsReadOftenComesWhole() throws Exception {
    written.checkPage(prod(), 1, written.last());
    server.threads.settle();
    assertThat(state()).isInstanceOf(LayerState.Evicted.class);
    readAll();
    server.threads.settle();
    assertThat(state()).isInstanceOf(LayerState.Resident.class);
    assertThat(prod().index().files().findDamageWithin(entry())).isNull();
    assertThat(temporary()).isEmpty();
    Resources resources = server.tenants.resources();
    assertThat(resources.downloads()).isEqualTo(1);
    assertThat(resources.bytesDownloaded()).isEqualTo(entry().bytes());
    assertThat(resources.rangeBytesRead()).isGreaterThanOrEqualTo(entry().bytes() / 2);
    long reads = bucket.store.count("get");
    written.check(prod(), START);
    assertThat(bucket.store.count("get")).as("all is here").isEqualTo(reads);
    server.tenants.close();
    server = bucket.open(server.disk.crash(new SplittableRandom(3)));
    assertThat(state()).isInstanceOf(LayerState.Resident.class);
    written.check(prod(), START);
  }

  @Test
  void nothingComesToADiskThatIsFull() throws Exception {
    reopen(new DiskSpace.Space(1000, 210)); // less than a layer below the low mark
    readAll();
    server.threads.settle();
    assertThat(state()).isInstanceOf(LayerState.Evicted.class);
    assertThat(server.tenants.resources().downloads()).isZero();
  }

  @Test
  void allThatIsNotHereComesWhenItIsAskedFor() throws Exception {
    Timeline branch =
        server.tenants.branch(prod(), new TimelineId(3, 3), "branch", prod().lastRecordLsn());
    AbsentLayers absent = AbsentLayers.fetch(branch);
    assertThat(absent).isEqualTo(new AbsentLayers(1, entry().bytes(), 0, Optional.empty()));
    server.threads.settle();
    assertThat(state()).isInstanceOf(LayerState.Resident.class);
    assertThat(AbsentLayers.fetch(branch)).isEqualTo(new AbsentLayers(0, 0, 0, Optional.empty()));
  }

  @Test
  void whatDoesNotComeHasAReason() throws Exception {
    reopen(new DiskSpace.Space(1000, 210));
    assertThat(AbsentLayers.fetch(prod()).obstacle().orElseThrow()).contains("80 percent");
    server.threads.settle();
    assertThat(state()).isInstanceOf(LayerState.Evicted.class);
    reopen(new DiskSpace.Space(1L << 30, 1L << 30));
    bucket.store.fail((operation, _) -> {
      if (operation.startsWith("get") && isUnderWay()) {
        throw new StoreException.Unavailable("the network is gone");
      }
    });
    AbsentLayers before = AbsentLayers.fetch(prod());
    assertThat(before.obstacle()).isEmpty();
    server.threads.pass(Duration.ofSeconds(50));
    AbsentLayers after = AbsentLayers.fetch(prod());
    assertThat(after.layers()).isEqualTo(1);
    assertThat(after.obstacle().orElseThrow()).contains("the network is gone");
  }

  @Test
  void aFailureIsKnownAndTriedAgainLater() throws Exception {
    var broken = new boolean[] {true};
    bucket.store.fail((operation, _) -> {
      // Ranges that reads take are shorter than the layer.
      if (broken[0] && operation.startsWith("get") && isUnderWay()) {
        throw new StoreException.Unavailable("the network is gone");
      }
    });
    readAll();
    server.threads.pass(Duration.ofSeconds(50));
    assertThat(state())
        .isInstanceOfSatisfying(
            LayerState.Failed.class,
            failed -> {
              assertThat(failed.reason()).contains("the network is gone");
              assertThat(failed.until()).isAfter(SimulatedServer.NOW);
            });
    assertThat(server.tenants.resources().downloadFailures()).isEqualTo(1);
    assertThat(temporary()).isEmpty();
    assertThat(Files.exists(file())).isFalse();
    readAll();
    server.threads.settle();
    assertThat(server.tenants.resources().downloadFailures()).as("it waits").isEqualTo(1);
    broken[0] = false;
    server.threads.pass(Duration.ofMinutes(2));
    reopen(space);
    readAll();
    server.threads.settle();
    assertThat(state()).isInstanceOf(LayerState.Resident.class);
  }

  private boolean isUnderWay() {
    LayerMap map = prod().index().maps().peek();
    var under = new boolean[1];
    map.historic()
        .forEach(file ->
            under[0] |=
                ((FileLayer) file.layer()).residency().state() instanceof LayerState.Downloading);
    return under[0];
  }

  @Test
  void anObjectThatIsNotWhatWasPutThereIsNotTaken() throws Exception {
    String name = entry().name().fileName();
    Path object;
    try (Stream<Path> all = Files.walk(directory.resolve("bucket"))) {
      object =
          all.filter(path -> path.toString().contains(name))
              .filter(Files::isRegularFile)
              .findFirst()
              .orElseThrow();
    }
    byte[] bytes = Files.readAllBytes(object);
    readAll();
    bytes[bytes.length / 2] ^= 1;
    Files.write(object, bytes);
    server.threads.settle();
    assertThat(state()).isInstanceOf(LayerState.Failed.class);
    assertThat(Files.exists(file())).isFalse();
    assertThat(temporary()).isEmpty();
  }

  @Test
  void aFaultAtAnyOperationLeavesNoPart() throws Exception {
    SimulatedDisk disk = server.disk;
    boolean faulted = true;
    int operations = 0;
    for (int operation = 0; faulted; operation++) {
      operations = operation;
      for (int crash = 0; crash < 4; crash++) {
        server = bucket.open(disk.crash(new SplittableRandom(operation)));
        server.threads.settle();
        readAll();
        if (crash == 0) {
          server.disk.failAt(operation);
        } else {
          server.disk.dieAt(operation);
        }
        long faults = server.disk.operations();
        server.threads.settle();
        faulted = server.disk.operations() - faults > operation;
        if (crash == 0) {
          readAll();
          assertThat(temporary()).isEmpty();
        }
        disk = server.disk.crash(new SplittableRandom(crash));
        server = bucket.open(disk);
        assertThat(prod().damagedFiles()).isEmpty();
        assertThat(temporary()).isEmpty();
        if (Files.exists(file())) {
          assertThat(prod().index().files().findDamageWithin(entry())).isNull();
          Files.delete(file());
          DurableFile.syncDirectory(prod().index().files().directory());
        }
        disk = server.disk.crash(new SplittableRandom(crash));
        server = bucket.open(disk);
        written.checkAt(prod(), written.last());
      }
    }
    assertThat(operations).as("create, write, sync, rename, sync").isGreaterThanOrEqualTo(5);
  }

  @Test
  void aDownloadEndsWhenTheIndexPartDoesNotNameItsLayerAnyMore() throws Exception {
    var dropped = new boolean[1];
    bucket.store.fail((operation, acted) -> {
      if (!acted && !dropped[0] && operation.startsWith("get") && isUnderWay()) {
        dropped[0] = true;
        prod().index().change("a drop of all layers", part -> part.withLayers(List.of()));
      }
    });
    Path file = file();
    readAll();
    server.threads.settle();
    assertThat(dropped[0]).isTrue();
    assertThat(Files.exists(file)).isFalse();
    assertThat(temporary()).isEmpty();
    assertThat(server.tenants.resources().downloads()).isZero();
    assertThat(server.tenants.resources().downloadFailures()).isZero();
  }

  @Test
  void aDownloadEndsWithItsTimeline() throws Exception {
    var deleted = new boolean[1];
    bucket.store.fail((operation, acted) -> {
      if (!acted && !deleted[0] && operation.startsWith("get") && isUnderWay()) {
        deleted[0] = true;
        prod().condition().setDeleting(true);
        Path aside = prod().index().files().directory().resolveSibling("aside");
        Files.move(prod().index().files().directory(), aside);
      }
    });
    readAll();
    Path gone = file();
    server.threads.pass(Duration.ofSeconds(30));
    assertThat(deleted[0]).isTrue();
    assertThat(Files.exists(gone)).isFalse();
    assertThat(server.tenants.resources().downloads()).isZero();
  }
}
