package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException;
import dev.varve.remote.StoreException;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A disk that takes no more, with an object store behind it.
class FullDiskTest {

  @TempDir private Path directory;
  private final SimulatedDisk disk = new SimulatedDisk();
  private final Written written = new Written();
  private Bucket bucket;
  private SimulatedServer server;

  /// The file system does not say how full it is, as one with a quota.
  @BeforeEach
  void open() throws IOException {
    bucket = new Bucket(directory);
    bucket.cache(
        new CacheSettings(Duration.ZERO, 90, 80, 2, _ -> new DiskSpace.Space(1L << 40, 1L << 40)));
    server = bucket.open(disk);
    UploadsTest.root(server);
  }

  private Timeline prod() {
    return server.tenants.find("prod").orElseThrow();
  }

  private void write(int pages) {
    try (Ingest ingest = prod().ingest()) {
      for (int i = 0; i < pages; i++) {
        written.image(ingest, i);
      }
    }
  }

  /// Writes layers until there is no room for one more.
  private void fill() {
    for (int i = 0; i < 5; i++) {
      write(100);
      prod().checkpoint();
    }
    disk.setCapacity(disk.used() + 1000);
    write(100);
  }

  private void setStoreBroken(boolean broken) {
    bucket.store.fail((operation, _) -> {
      if (broken) {
        throw new StoreException.Unavailable("the network is gone");
      }
    });
  }

  private void checkpoint(Duration limit) {
    prod().checkpoint(server.threads.clock().instant().plus(limit));
  }

  @Test
  void stopsNoReadsAndLosesNothing() throws Exception {
    setStoreBroken(true);
    fill();
    assertThatThrownBy(() -> checkpoint(Duration.ofMinutes(2)))
        .isInstanceOf(PageserverException.Unavailable.class);
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(prod().state())
        .isInstanceOfSatisfying(
            TimelineState.Failing.class,
            failing -> assertThat(failing.reason()).contains("No space left on device"));
    assertThat(server.tenants.eviction().orElseThrow().shortage().orElseThrow())
        .contains("no space left for a write", "not in the object store yet");
    written.check(prod(), START);
    setStoreBroken(false);
    server.threads.pass(Duration.ofMinutes(3)); // far less than uploads otherwise wait
    assertThat(prod().state()).isEqualTo(new TimelineState.Active());
    assertThat(prod().diskConsistentLsn()).isEqualTo(prod().lastRecordLsn());
    assertThat(server.tenants.eviction().orElseThrow().layers()).isPositive();
    assertThat(server.tenants.eviction().orElseThrow().shortage()).isEmpty();
    write(50);
    checkpoint(Duration.ofMinutes(1));
    written.check(prod(), START);
    bucket.requireSound();
  }

  @Test
  void makesRoomAtOnceWhereTheStoreHasAll() throws Exception {
    for (int i = 0; i < 5; i++) {
      write(100);
      prod().checkpoint();
    }
    server.tenants.upload(prod(), Duration.ofMinutes(1));
    disk.setCapacity(disk.used() + 1000);
    write(100);
    prod().requestFreeze();
    server.threads.pass(Duration.ofSeconds(2));
    assertThat(prod().diskConsistentLsn()).isEqualTo(prod().lastRecordLsn());
    assertThat(server.tenants.eviction().orElseThrow().layers()).isPositive();
    written.check(prod(), START);
  }

  @Test
  void aCrashOfAFullDiskLosesNothingThatWasDurable() throws Exception {
    setStoreBroken(true);
    fill();
    long durable = prod().diskConsistentLsn().value();
    server.threads.pass(Duration.ofMinutes(2));
    for (int crash = 0; crash < 10; crash++) {
      server = bucket.open(disk.crash(new SplittableRandom(crash)));
      assertThat(prod().lastRecordLsn().value()).isGreaterThanOrEqualTo(durable);
      assertThat(prod().damagedFiles()).isEmpty();
      written.checkAt(prod(), durable);
    }
  }

  /// The disk says itself how full it is.
  @Test
  void doesNotBecomeFullWhereTheStoreHasAll() throws Exception {
    bucket.cache(CacheSettings.DEFAULT);
    server = bucket.open(disk.crash(new SplittableRandom(1)));
    SimulatedDisk own = server.disk;
    write(100);
    prod().checkpoint();
    own.setCapacity(own.used() * 8);
    for (int i = 0; i < 30; i++) {
      write(100);
      prod().checkpoint();
      assertThat(server.tenants.upload(prod(), Duration.ofMinutes(1))).isTrue();
      server.threads.pass(Duration.ofMinutes(1));
      assertThat(own.used()).isLessThan(own.capacity() * 9 / 10);
    }
    assertThat(prod().state()).isEqualTo(new TimelineState.Active());
    assertThat(server.tenants.eviction().orElseThrow().layers()).isPositive();
    written.check(prod(), START);
  }
}
