package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.key;
import static dev.varve.timeline.Fixture.putChange;
import static dev.varve.timeline.Fixture.putImage;
import static dev.varve.timeline.Fixture.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// What time and crashes do, on a simulated disk and in simulated time.
class RestartTest {

  private final SplittableRandom random = new SplittableRandom(7);
  private SimulatedDisk disk = new SimulatedDisk();
  private SimulatedServer server = open();
  private Timeline root = root();

  private SimulatedServer open() {
    try {
      return new SimulatedServer(disk, random, Fixture.settings(8 << 20, 1 << 20));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private Timeline root() {
    Timeline timeline =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(0, 1), "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = timeline.ingest()) {
      putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    timeline.markImported(new Lsn(START));
    return timeline;
  }

  private void crash() {
    disk = disk.crash(random);
    server = open();
    root = server.tenants.find("prod").orElseThrow();
  }

  private void write(Timeline timeline, long lsn) {
    try (Ingest ingest = timeline.ingest()) {
      putImage(ingest, 0, lsn, lsn);
      ingest.advance(lsn);
    }
  }

  @Test
  void aSmallLayerIsFlushedWhenItIsOld() {
    write(root, START + 8);
    server.threads.pass(Duration.ofMinutes(9));
    assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(START));
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(START + 8));
    int layers = root.layerCount();
    server.threads.pass(Duration.ofHours(5));
    assertThat(root.layerCount()).isEqualTo(layers);
    crash();
    assertThat(root.lastRecordLsn()).isEqualTo(new Lsn(START + 8));
    assertThat(read(root, 0, START + 8)).isEqualTo(START + 8);
  }

  @Test
  void aWriterThatHoldsOnIsNotInTheWay() {
    try (Ingest ingest = root.ingest()) {
      putImage(ingest, 0, START + 8, 1);
      ingest.advance(START + 8);
      server.threads.pass(Duration.ofMinutes(11));
      assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(START + 8));
      putImage(ingest, 0, START + 16, 2);
      server.threads.pass(Duration.ofMinutes(11)); // within a record: nothing is frozen
      assertThat(root.reader().maps().peek().frozen().size()).isZero();
      assertThat(root.openBytes()).isPositive();
      ingest.advance(START + 16); // now it is
      server.threads.settle();
      assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(START + 16));
    }
  }

  @Test
  void recordsThatPutNothingBecomeDurableWithoutALayer() {
    int layers = root.layerCount();
    try (Ingest ingest = root.ingest()) {
      ingest.advance(START + 800);
      server.threads.pass(Duration.ofMinutes(11));
      assertThat(root.diskConsistentLsn()).isEqualTo(new Lsn(START + 800));
      putImage(ingest, 0, START + 808, 1);
      ingest.advance(START + 808);
    }
    root.checkpoint();
    assertThat(root.layerCount()).isEqualTo(layers + 1);
    crash();
    assertThat(read(root, 0, START + 808)).isEqualTo(1);
  }

  /// Syncing is what a branch costs, and it is three: one file, its directory, the directory above.
  /// What can't be looked into is broken, and harms no other.
  @Test
  void aStrayFileInTheWayOfATimelineDoesNotStopTheOthers() throws IOException {
    var stray = new TimelineId(0, 9);
    Path timelines = disk.root().resolve("data/tenants/" + Fixture.TENANT + "/timelines");
    DurableFile.write(timelines.resolve(stray.toString()), new byte[] {1});
    DurableFile.syncDirectory(timelines);
    crash();
    assertThat(read(root, 0, START)).isEqualTo(7);
    assertThat(server.tenants.find(Fixture.TENANT, stray).orElseThrow().state().toString())
        .contains(stray.toString());
  }

  @Test
  void aBranchIsDurableAfterTheFewestOperations() {
    long before = disk.operations();
    server.tenants.branch(root, new TimelineId(0, 2), "b", new Lsn(START));
    assertThat(disk.operations() - before)
        .as("making a directory and a file, writing it, three syncs")
        .isEqualTo(6);
    crash();
    assertThat(read(server.tenants.find("b").orElseThrow(), 0, START)).isEqualTo(7);
  }

  @Test
  void aBranchKeepsItsFirstIndexUntilItHasALayer() {
    server.tenants.branch(root, new TimelineId(0, 2), "b", new Lsn(START));
    crash();
    Timeline written = server.tenants.find("b").orElseThrow();
    write(written, START + 8);
    written.checkpoint();
    crash();
    Timeline branch = server.tenants.find("b").orElseThrow();
    assertThat(read(branch, 0, START + 8)).isEqualTo(START + 8);
    assertThat(read(branch, 0, START)).isEqualTo(7);
  }

  @Test
  void aBranchWaitsForWhatItsAncestorLostInACrash() {
    write(root, START + 8);
    server.tenants.branch(root, new TimelineId(0, 2), "b", new Lsn(START + 8));
    crash();
    Timeline branch = server.tenants.find("b").orElseThrow();
    assertThat(root.lastRecordLsn()).isEqualTo(new Lsn(START));
    assertThatThrownBy(() -> read(branch, 0, START + 8))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining(
            "\"prod\" has not received WAL up to 0/1008 within 10000 ms; it has it up to 0/1000");
    assertThat(read(branch, 0, START)).isEqualTo(7);
    write(root, START + 8); // the source sends it again
    assertThat(read(branch, 0, START + 8)).isEqualTo(START + 8);
  }

  @Test
  void imagesOfARecordThatIsNotDurableComeAgain() {
    copyPages(START + 8, 11);
    write(root, START + 16); // not flushed
    crash();
    assertThat(root.lastRecordLsn()).isEqualTo(new Lsn(START));
    assertThat(root.layerCount()).as("the images of the future are gone").isEqualTo(1);
    copyPages(START + 8, 11);
    copyPages(START + 16, 12);
    assertThat(read(root, 3, START + 8)).isEqualTo(11);
    assertThat(read(root, 3, START + 16)).isEqualTo(12);
    root.checkpoint();
    crash();
    assertThat(read(root, 3, START + 8)).isEqualTo(11);
    assertThat(read(root, 3, START + 16)).isEqualTo(12);
  }

  /// A record whose images come in a load, which its writer has to do twice.
  private void copyPages(long lsn, long value) {
    for (int attempt = 0; attempt < 2; attempt++) {
      try (ImageLoad load = root.imageLoad(new Lsn(lsn))) {
        for (int block = 1; block < 5; block++) {
          Key key = key(block);
          load.image(key.upper(), key.middle(), key.lower(), HashRedo.image(value, lsn), 0, 8192);
        }
        load.finish();
      }
    }
    try (Ingest ingest = root.ingest()) {
      ingest.advance(lsn);
    }
  }

  @Test
  void anImageWithinADeltaLayerBeginsAPage() {
    try (Ingest ingest = root.ingest()) {
      putChange(ingest, 0, START + 8, 1);
      putChange(ingest, 3, START + 8, 1); // of a page that the copy then replaces
      ingest.advance(START + 8);
      try (ImageLoad load = root.imageLoad(new Lsn(START + 16))) {
        Key key = key(3);
        load.image(key.upper(), key.middle(), key.lower(), HashRedo.image(5, START), 0, 8192);
        load.finish();
      }
      ingest.advance(START + 16);
      putChange(ingest, 3, START + 24, 2);
      ingest.advance(START + 24);
    }
    long expected = HashRedo.next(5, START + 24, 2);
    assertThat(read(root, 3, START + 24)).isEqualTo(expected);
    root.checkpoint();
    assertThat(read(root, 3, START + 24)).isEqualTo(expected);
    assertThat(read(root, 3, START + 16)).isEqualTo(5);
    assertThat(read(root, 0, START + 24)).isEqualTo(HashRedo.next(7, START + 8, 1));
    assertThatThrownBy(() -> read(root, 3, START + 8))
        .isInstanceOf(PageserverException.DataCorrupted.class);
  }

  @Test
  void largeLoadsBecomeManyLayersThatMayOverlap() {
    Timeline timeline =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(0, 3), "large", 17, new Lsn(START), Map.of());
    int pages = 1000; // 8 MB, in batches of 1 MB
    try (ImageLoad load = timeline.imageLoad(new Lsn(START))) {
      for (int i = 0; i < pages; i++) {
        int block = (int) ((long) i * 617 % pages);
        Key key = key(block);
        load.image(key.upper(), key.middle(), key.lower(), HashRedo.image(block, 1), 0, 8192);
      }
      load.finish();
    }
    timeline.markImported(new Lsn(START));
    assertThat(timeline.layerCount()).isGreaterThan(5);
    crash();
    Timeline again = server.tenants.find("large").orElseThrow();
    for (int block = 0; block < pages; block++) {
      assertThat(read(again, block, START)).isEqualTo(block);
    }
  }
}
