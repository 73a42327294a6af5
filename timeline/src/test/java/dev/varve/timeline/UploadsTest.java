package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.model.TimelineId;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The object store follows what is in the data directory.
class UploadsTest {

  private static final Duration SOON = Duration.ofMinutes(10);

  @TempDir private Path directory;
  private Bucket bucket;
  private SimulatedServer server;
  private Written written;

  @BeforeEach
  void open() throws IOException {
    bucket = new Bucket(directory);
    server = bucket.open(new SimulatedDisk());
    root(server);
    written = new Written();
  }

  static Timeline root(SimulatedServer server) {
    Timeline timeline =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(1, 1), "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = timeline.ingest()) {
      Fixture.putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    timeline.markImported(new Lsn(START));
    return timeline;
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

  /// The process is gone at once.
  private void restart() throws IOException {
    server = bucket.open(server.disk.crash(new SplittableRandom(1)));
  }

  private void requests(List<String> expected) {
    assertThat(bucket.store.events).isEqualTo(expected);
  }

  @Test
  void allThatIsDurableEndsUpInTheStore() throws Exception {
    assertThat(upload(prod())).isTrue();
    bucket.requireSame(server.tenants);
    flush(prod(), written, 5);
    Timeline branch = server.tenants.branch(prod(), new TimelineId(2, 2), "b", new Lsn(START));
    assertThat(upload(branch)).isTrue();
    assertThat(upload(prod())).isTrue();
    bucket.requireSame(server.tenants);
    assertThat(state(prod()).indexPutAt()).isPresent();
    assertThat(prod().index().current().layers())
        .extracting(LayerEntry::generation)
        .containsOnly(new Generation(1));
    assertThat(bucket.store.count("delete")).isZero();
  }

  /// Whoever sees that something is durable, and asks at that moment for all that is.
  @Test
  void whatCanBeSeenIsAskedForToo() throws Exception {
    upload(prod());
    Uploads uploads = Objects.requireNonNull(prod().index().uploads());
    Lsn cutoff = new Lsn(START + 8);
    prod()
        .index()
        .commit(
            "see it",
            part -> part.withCutoff(cutoff, server.threads.clock().instant()),
            uploads::ask);
    server.threads.pass(Duration.ofMinutes(1));
    bucket.requireSame(server.tenants);
  }

  @Test
  void whatIsMergedIsDeletedAfterAndWhatWasNeverUploadedNeverIs() throws Exception {
    flush(prod(), written, 3);
    upload(prod());
    List<LayerEntry> uploaded = prod().index().current().layers();
    for (int i = 0; i < 3; i++) {
      flush(prod(), written, 4);
    }
    prod().compact();
    server.threads.settle();
    List<LayerEntry> merged = prod().index().current().layers();
    assertThat(merged).doesNotContainAnyElementsOf(uploaded).hasSize(1);
    long putsBefore = bucket.store.count("put");
    assertThat(upload(prod())).isTrue();
    bucket.requireSame(server.tenants);
    assertThat(bucket.store.count("put") - putsBefore).isEqualTo(merged.size() + 1L);
    assertThat(bucket.store.all())
        .filteredOn(RemoteName.LayerFile.class::isInstance)
        .hasSameSizeAs(merged);
    written.check(prod(), START);
  }

  @Test
  void whatIsFromBeforeThereWasAStoreIsUploadedToo() throws Exception {
    var alone =
        new SimulatedServer(
            new SimulatedDisk(), new SplittableRandom(1), Fixture.settings(8 << 20, 1 << 20));
    root(alone);
    for (int i = 0; i < 6; i++) {
      flush(alone.tenants.find("prod").orElseThrow(), written, 3);
    }
    bucket = new Bucket(Files.createDirectory(directory.resolve("empty")));
    server = bucket.open(alone.disk.crash(new SplittableRandom(1)));
    server.threads.pass(Duration.ofMinutes(1));
    bucket.requireSame(server.tenants);
    assertThat(prod().index().current().layers())
        .hasSize(7)
        .extracting(LayerEntry::generation)
        .containsOnly(Generation.NONE);
    written.check(prod(), START);
  }

  @Test
  void smallChangesWaitForThreeHours() throws Exception {
    upload(prod());
    long before = bucket.store.count("put");
    flush(prod(), written, 1);
    flush(prod(), written, 1);
    server.threads.pass(Duration.ofMinutes(170));
    assertThat(bucket.store.count("put")).isEqualTo(before);
    assertThat(state(prod()).waitingLayers()).isPositive();
    assertThat(state(prod()).waitingSince()).isPresent();
    assertThat(state(prod()).remoteConsistentLsn()).isEqualTo(new Lsn(START));
    server.threads.pass(Duration.ofMinutes(20));
    bucket.requireSame(server.tenants);
    assertThat(bucket.store.count("put")).as("a layer, an index part").isEqualTo(before + 2);
  }

  /// A change a minute, all day long.
  @Test
  void aTrickleMakesFewRequests() throws Exception {
    upload(prod());
    bucket.store.events.clear();
    try (Ingest ingest = prod().ingest()) {
      for (int minute = 0; minute < 24 * 60; minute++) {
        written.change(ingest, 0);
        server.threads.pass(Duration.ofMinutes(1));
      }
    }
    assertThat(bucket.store.events).as("requests of a day").hasSizeLessThanOrEqualTo(24);
    assertThat(state(prod()).remoteConsistentLsn())
        .as("of four hours ago or less")
        .isGreaterThan(new Lsn(written.last() - 240 * Written.STEP));
    bucket.requireSound();
  }

  @Test
  void manyBytesDoNotWait() throws Exception {
    bucket.waitFor(4_000);
    restart();
    upload(prod());
    long before = bucket.store.count("put");
    for (int i = 0; i < 20 && bucket.store.count("put") == before; i++) {
      flush(prod(), written, 9);
      server.threads.settle();
    }
    assertThat(bucket.store.count("put")).isGreaterThan(before);
    assertThat(state(prod()).waitingBytes()).isLessThan(4_000);
    bucket.requireSound();
  }

  @Test
  void anIdleTimelineMakesNoRequestsAndRests() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    bucket.store.events.clear();
    server.threads.pass(Duration.ofDays(3));
    requests(List.of());
    assertThat(prod().index().maps().peek().isAtRest()).isTrue();
    try (Ingest ingest = prod().ingest()) {
      written.image(ingest, 9);
    }
    server.threads.pass(Duration.ofHours(4));
    bucket.requireSame(server.tenants);
    assertThat(bucket.store.count("put")).isEqualTo(2);
    assertThat(bucket.store.count("")).as("and what was merged is deleted").isEqualTo(3);
    assertThat(prod().index().maps().peek().isAtRest()).isTrue();
  }

  @Test
  void aRestartFindsWhatIsThere() throws Exception {
    flush(prod(), written, 2);
    upload(prod());
    flush(prod(), written, 2);
    restart();
    assertThat(state(prod()).lost()).isEmpty();
    bucket.store.events.clear();
    server.threads.pass(Duration.ofMinutes(1));
    bucket.requireSame(server.tenants);
    assertThat(bucket.store.newest()).isEqualTo(new Generation(2));
    assertThat(bucket.store.count("put tenants")).as("a layer, an index part").isEqualTo(2);
    assertThat(bucket.store.all())
        .filteredOn(name -> !(name instanceof RemoteName.LayerFile))
        .as("manifest and index part")
        .hasSize(2);
    flush(prod(), written, 1);
    assertThat(prod().index().current().layers().getLast().generation())
        .isEqualTo(new Generation(2));
    written.check(prod(), START);
    upload(prod());
    restart();
    bucket.store.events.clear();
    server.threads.pass(Duration.ofDays(1));
    assertThat(bucket.store.count("put")).isZero();
    bucket.requireSame(server.tenants);
  }

  @Test
  void anOutageStallsNothingElse() throws Exception {
    upload(prod());
    bucket.store.fail((operation, _) -> {
      throw new StoreException.Unavailable("the store is away: " + operation);
    });
    for (int day = 0; day < 3; day++) {
      flush(prod(), written, 3);
      Timeline branch =
          server.tenants.branch(prod(), new TimelineId(5, day), "b" + day, prod().lastRecordLsn());
      Written other = written.branch(prod().lastRecordLsn().value());
      flush(branch, other, 2);
      server.threads.pass(Duration.ofDays(1));
      prod().compact();
      server.threads.settle();
      other.check(branch, START);
      written.check(prod(), START);
    }
    assertThat(state(prod()).failure().orElseThrow()).contains("the store is away");
    assertThat(state(prod()).waitingSince().orElseThrow())
        .isBefore(server.tasks.clock().instant().minus(Duration.ofDays(2)));
    assertThat(state(prod()).waitingLayers()).isEqualTo(prod().layerCount());
    assertThat(state(prod()).waitingBytes()).isEqualTo(prod().layerBytes());
    assertThat(state(prod()).remoteConsistentLsn()).isEqualTo(new Lsn(START));
    assertThat(upload(prod())).isFalse();
    assertThat(prod().state()).isEqualTo(new TimelineState.Active());
    bucket.store.fail((_, _) -> {});
    server.threads.pass(Duration.ofHours(3));
    bucket.requireSame(server.tenants);
    assertThat(state(prod()).failure()).isEmpty();
  }

  @Test
  void nothingCountsBeforeTheAuthorityHasSaidSo() throws Exception {
    upload(prod());
    flush(prod(), written, 2);
    upload(prod());
    flush(prod(), written, 3);
    prod().compact();
    server.threads.settle();
    Lsn before = state(prod()).remoteConsistentLsn();
    bucket.silence("no answer from the authority");
    assertThat(upload(prod())).isFalse();
    assertThat(bucket.store.index(prod().id())).contains(prod().index().current());
    assertThat(state(prod()).remoteConsistentLsn()).isEqualTo(before);
    assertThat(state(prod()).failure().orElseThrow()).contains("no answer from the authority");
    assertThat(bucket.store.count("delete")).isZero();
    bucket.silence(null);
    server.threads.pass(Duration.ofMinutes(2));
    bucket.requireSame(server.tenants);
    assertThat(bucket.store.count("delete")).isPositive();
  }

  @Test
  void aDamagedFileIsNotUploaded() throws Exception {
    upload(prod());
    flush(prod(), written, 2);
    LayerEntry entry = prod().index().current().layers().getLast();
    Path file = prod().index().files().layer(entry.name());
    byte[] whole = Files.readAllBytes(file);
    server.disk.flip(file, 999);
    assertThat(upload(prod())).isFalse();
    assertThat(state(prod()).failure().orElseThrow())
        .isEqualTo(
            file + " is not what was written: its size or checksum is wrong; it can't be uploaded");
    assertThat(prod().damagedFiles()).extracting(DamagedFile::file).containsExactly(file);
    bucket.requireSound();
    Files.write(file, whole);
    server.threads.pass(Duration.ofHours(2));
    assertThat(upload(prod())).isTrue();
    bucket.requireSame(server.tenants);
  }

  @Test
  void anImportIsNotUploadedBeforeItHasEnded() throws Exception {
    upload(prod());
    Timeline importing =
        server.tenants.createRoot(
            Fixture.TENANT, new TimelineId(3, 3), "new", 17, new Lsn(START), Map.of());
    try (Ingest ingest = importing.ingest()) {
      Fixture.putImage(ingest, 0, START, 7);
      ingest.advance(START);
    }
    importing.checkpoint();
    server.threads.pass(Duration.ofDays(1));
    assertThat(bucket.store.manifest().orElseThrow().names(importing.id())).isFalse();
    assertThat(bucket.store.index(importing.id())).isEmpty();
    importing.markImported(new Lsn(START));
    assertThat(upload(importing)).isTrue();
    bucket.requireSame(server.tenants);
  }

  @Test
  void numbersOfLayersAreNotUsedTwice() throws Exception {
    var names = new HashSet<String>();
    for (int i = 0; i < 6; i++) {
      flush(prod(), written, 2);
      upload(prod());
      if (i % 2 == 1) {
        prod().compact();
        server.threads.settle();
        upload(prod());
      }
      if (i == 3) {
        restart();
      }
    }
    for (String event : bucket.store.events) {
      if (event.startsWith("put ") && event.contains("__")) {
        String copy = event.replaceAll(".*-v1(-[0-9a-f]{8})?-[0-9a-f]{8}", "v1$1");
        assertThat(names.add(copy)).as(event).isTrue();
      }
    }
    bucket.requireSame(server.tenants);
  }
}
