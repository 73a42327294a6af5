package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.TENANT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What is set for a tenant alone, on a simulated disk, with and without an object store.
class ConfiguringTest {

  private static final Duration SOON = Duration.ofMinutes(10);

  /// Of the server. An hour is 100 bytes of WAL.
  private static final RetentionSettings RETENTION =
      new RetentionSettings(0, Duration.ofHours(5), Duration.ZERO);

  private static final CommitClock CLOCK =
      (_, moment) -> {
        long hours = Duration.between(SimulatedServer.NOW, moment).toHours();
        return hours < 0 ? Optional.empty() : Optional.of(new Lsn(START + 100 * hours));
      };

  private final Written written = new Written();

  private static SimulatedServer open(SimulatedDisk disk, Instant now) throws IOException {
    return new SimulatedServer(
        disk,
        new SplittableRandom(5),
        Fixture.settings(16 << 20, 4 << 20).withRetention(RETENTION),
        new DataModel(_ -> new HashRedo(), CLOCK, KeyRules.PAGES),
        now);
  }

  private static Timeline prod(SimulatedServer server) {
    return server.tenants.find("prod").orElseThrow();
  }

  private void write(Timeline timeline) {
    try (Ingest ingest = timeline.ingest()) {
      for (int i = 0; i < 60; i++) {
        written.image(ingest, i);
        written.change(ingest, i);
      }
    }
    timeline.checkpoint();
  }

  private static TenantConfiguration set(SimulatedServer server, String interval) {
    return server.tenants.configure(TENANT, Map.of(TenantConfiguration.PITR_INTERVAL, interval));
  }

  private static void requireReadableFrom(SimulatedServer server, long hours) {
    Timeline prod = prod(server);
    prod.collectGarbage();
    assertThat(prod.readableFrom()).isEqualTo(new Lsn(START + 100 * hours));
  }

  private static Path record(SimulatedServer server) {
    return server
        .disk
        .root()
        .resolve("data/tenants")
        .resolve(TENANT.toString())
        .resolve("tenant.json");
  }

  @Test
  void theTenantsOwnPitrIntervalCountsAtOnceAndSurvivesACrash() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), SimulatedServer.NOW);
    UploadsTest.root(server);
    write(prod(server));
    server.threads.pass(Duration.ofHours(6));
    requireReadableFrom(server, 1);
    assertThat(server.tenants.configuration(TENANT)).isEqualTo(TenantConfiguration.NONE);
    assertThat(set(server, "3h").pitrInterval()).contains(Duration.ofHours(3));
    requireReadableFrom(server, 3);
    written.check(prod(server), START + 300);

    set(server, "4h"); // what has gone does not come back
    requireReadableFrom(server, 3);
    server = open(server.disk.crash(new SplittableRandom(1)), server.threads.clock().instant());
    assertThat(server.tenants.configuration(TENANT).texts())
        .containsOnly(Map.entry("pitr_interval", "4h"));
    server.threads.pass(Duration.ofHours(2));
    requireReadableFrom(server, 4);

    server.tenants.configure(TENANT, Map.of());
    server.threads.pass(Duration.ofHours(2));
    requireReadableFrom(server, 5);
    set(server, "0");
    prod(server).collectGarbage();
    assertThat(prod(server).readableFrom())
        .as("the horizon")
        .isEqualTo(prod(server).lastRecordLsn());
  }

  /// A file that was replaced, and whose directory could not be synced, may be there after a crash.
  @Test
  void whatFailedBeforeDoesNotComeBackOnceTheFormerIsSetAgain() throws IOException {
    for (int fault = 0; fault < 6; fault++) {
      SimulatedServer server = open(new SimulatedDisk(), SimulatedServer.NOW);
      UploadsTest.root(server);
      set(server, "3h");
      server.disk.failAt(fault);
      try {
        set(server, "1h");
        continue;
      } catch (PageserverException.Unavailable e) {
        assertThat(server.tenants.configuration(TENANT).texts()).containsValue("3h");
      }
      set(server, "3h");
      for (long seed = 0; seed < 8; seed++) {
        SimulatedServer again =
            open(server.disk.crash(new SplittableRandom(seed)), SimulatedServer.NOW);
        assertThat(again.tenants.configuration(TENANT).texts())
            .as("fault at operation %d, crash %d", fault, seed)
            .containsValue("3h");
      }
    }
  }

  @Test
  void aTenantWhoseLastTimelineGoesLeavesNothing() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), SimulatedServer.NOW);
    UploadsTest.root(server);
    set(server, "3h");
    assertThat(record(server)).exists();
    server.tenants.delete(prod(server));
    server.threads.settle();
    assertThat(record(server).resolve("..").normalize()).doesNotExist();
    assertThatThrownBy(() -> set(server, "3h")).isInstanceOf(PageserverException.NotFound.class);
    UploadsTest.root(server);
    assertThat(server.tenants.configuration(TENANT)).isEqualTo(TenantConfiguration.NONE);
  }

  @Test
  void whatMakesNoSenseIsRefusedAndChangesNothing() throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), SimulatedServer.NOW);
    UploadsTest.root(server);
    set(server, "3h");
    assertThatThrownBy(() -> set(server, "soon"))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessage("pitr_interval: \"soon\" is not a time such as 7d, 12h or 30min");
    assertThatThrownBy(() -> server.tenants.configure(TENANT, Map.of("colour", "red")))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessage("a tenant has no setting \"colour\"; it has pitr_interval");
    assertThatThrownBy(() -> server.tenants.configuration(new TenantId(7, 7)))
        .isInstanceOf(PageserverException.NotFound.class);
    assertThat(server.tenants.configuration(TENANT).pitrInterval()).contains(Duration.ofHours(3));
  }

  /// To take the server's settings in their place could drop what was to be kept.
  @ParameterizedTest
  @ValueSource(strings = {"damaged", "of a newer version"})
  void settingsThatCantBeReadKeepAllHistory(String what) throws IOException {
    SimulatedServer server = open(new SimulatedDisk(), SimulatedServer.NOW);
    UploadsTest.root(server);
    write(prod(server));
    set(server, "1d");
    SimulatedDisk disk = server.disk.crash(new SplittableRandom(1));
    if (what.equals("damaged")) {
      disk.flip(record(server), 100);
    } else {
      var future = new TenantConfiguration(Map.of("pitr_interval", "2 moons"));
      new TenantFiles(disk.root().resolve("data"))
          .write(TenantRecord.of(TENANT).withSettings(future));
    }
    SimulatedServer again = open(disk, SimulatedServer.NOW);
    again.threads.pass(Duration.ofHours(9));
    requireReadableFrom(again, 0);
    if (what.equals("damaged")) {
      assertThatThrownBy(() -> set(again, "3h"))
          .isInstanceOf(PageserverException.Unavailable.class)
          .hasMessageContaining("tenant.json is damaged");
      Files.delete(record(again));
    }
    set(again, "3h");
    requireReadableFrom(again, 6);
  }

  @Test
  void theStoreHasItSoonAndWhoeverAttachesTheTenantHasItToo(@TempDir Path directory)
      throws Exception {
    var bucket = new Bucket(directory);
    var disk = new SimulatedDisk();
    SimulatedServer first = bucket.open(disk);
    UploadsTest.root(first);
    assertThat(first.tenants.upload(prod(first), SOON)).isTrue();
    assertThat(bucket.store.manifest().orElseThrow().configuration()).isEmpty();
    set(first, "3h");
    first.threads.settle();
    assertThat(bucket.store.manifest().orElseThrow().configuration())
        .containsEntry("pitr_interval", "3h");

    // A newer version has set what this one does not know.
    disk = first.disk.crash(new SplittableRandom(1));
    var files = new TenantFiles(disk.root().resolve("data"));
    TenantRecord record = files.record(TENANT);
    assertThat(record.generation()).isNotEqualTo(Generation.NONE);
    var all = new TenantConfiguration(Map.of("pitr_interval", "3h", "colour", "red"));
    files.write(record.withSettings(all));
    first = bucket.open(disk, 4);
    first.threads.settle();
    assertThat(set(first, "2h").texts()).containsEntry("colour", "red");
    first.threads.settle();

    SimulatedServer second = bucket.open(new SimulatedDisk(), 5);
    second.tenants.attach(TENANT);
    var expected = new TenantConfiguration(Map.of("pitr_interval", "2h", "colour", "red"));
    assertThat(second.tenants.configuration(TENANT)).isEqualTo(expected);
    second = bucket.open(second.disk.crash(new SplittableRandom(2)), 6);
    second.threads.settle();
    assertThat(second.tenants.configuration(TENANT)).isEqualTo(expected);
    assertThat(bucket.store.manifest().orElseThrow().configuration()).isEqualTo(expected.texts());

    assertThat(second.tenants.upload(prod(second), SOON)).isTrue();
    second.tenants.detach(TENANT, SOON);
    second.tenants.attach(TENANT);
    assertThat(second.tenants.configuration(TENANT)).isEqualTo(expected);
    SimulatedServer lost = first;
    lost.tenants.upload(prod(lost), SOON);
    write(prod(lost));
    lost.tenants.upload(prod(lost), SOON);
    assertThatThrownBy(() -> set(lost, "1h"))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining("attached elsewhere");
    bucket.requireSound();
  }

  @Test
  void aTenantIsNotDetachedBeforeTheStoreHasWhatWasSetForIt(@TempDir Path directory)
      throws Exception {
    var bucket = new Bucket(directory);
    SimulatedServer server = bucket.open(new SimulatedDisk());
    UploadsTest.root(server);
    assertThat(server.tenants.upload(prod(server), SOON)).isTrue();
    bucket.store.fail((operation, _) -> {
      if (operation.startsWith("put") && operation.contains("manifest-")) {
        throw new StoreException.Unavailable("the store is away");
      }
    });
    set(server, "3h");
    assertThatThrownBy(() -> server.tenants.detach(TENANT, Duration.ofSeconds(20)))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining("the store is away");
    bucket.store.fail((_, _) -> {});
    server.tenants.detach(TENANT, SOON);
    server.tenants.attach(TENANT);
    assertThat(server.tenants.configuration(TENANT).texts()).containsValue("3h");
  }

  @Test
  void whatWasSetBeforeThereWasAStoreGoesThere(@TempDir Path directory) throws Exception {
    SimulatedServer alone = open(new SimulatedDisk(), SimulatedServer.NOW);
    UploadsTest.root(alone);
    set(alone, "3h");
    var bucket = new Bucket(directory);
    SimulatedServer server = bucket.open(alone.disk.crash(new SplittableRandom(1)));
    assertThat(server.tenants.upload(prod(server), SOON)).isTrue();
    assertThat(bucket.store.manifest().orElseThrow().configuration())
        .containsEntry("pitr_interval", "3h");
  }

  @ParameterizedTest
  @CsvSource({
    "0, PT0S, 0",
    "7d, PT168H, 7d",
    "24h, PT24H, 1d",
    "90MIN, PT1H30M, 90min",
    "45s, PT45S, 45s"
  })
  void intervalsAreReadAsTheServersOptionIs(String text, Duration interval, String written) {
    assertThat(RetentionSettings.interval(text)).isEqualTo(interval);
    assertThat(RetentionSettings.text(interval)).isEqualTo(written);
  }
}
