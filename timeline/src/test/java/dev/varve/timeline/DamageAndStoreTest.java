package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// A damaged file of a layer that is in the object store, too, and a damaged object.
class DamageAndStoreTest {

  private static final Duration SOON = Duration.ofMinutes(10);
  private static final int PAGES = 100;

  @TempDir private Path directory;
  private Bucket bucket;
  private SimulatedServer server;
  private Written written;

  /// One layer, here and in the store.
  @BeforeEach
  void open() throws Exception {
    bucket = new Bucket(directory);
    written = new Written();
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
  }

  private Timeline prod() {
    return server.tenants.find("prod").orElseThrow();
  }

  private LayerEntry entry() throws IOException {
    return prod().index().current().layers().getFirst();
  }

  private Path file() throws IOException {
    return prod().index().files().layer(entry().name());
  }

  private Path object() throws IOException {
    String name = entry().name().fileName();
    try (Stream<Path> all = Files.walk(directory.resolve("bucket"))) {
      return all.filter(path -> path.toString().contains(name) && Files.isRegularFile(path))
          .findFirst()
          .orElseThrow();
    }
  }

  private static void damage(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 3] ^= 1;
    Files.write(file, bytes);
  }

  private void assertDamageIsMet(String named) {
    assertThatThrownBy(() -> written.check(prod(), START))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining(named);
    assertThat(prod().damagedFiles())
        .singleElement()
        .satisfies(damaged -> assertThat(damaged.toString()).contains(named));
  }

  /// As after a crash, with nothing in the block cache.
  private void restart() throws IOException {
    server = bucket.open(server.disk.crash(new SplittableRandom(2)));
    server.threads.pass(Duration.ofSeconds(10));
  }

  @Test
  void aDamagedFileComesFromTheStore() throws Exception {
    restart();
    damage(file());
    assertDamageIsMet(file().toString());
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(prod().damagedFiles()).isEmpty();
    assertThat(prod().index().files().findDamageWithin(entry())).isNull();
    assertThat(server.tenants.resources().downloads()).isEqualTo(1);
    written.check(prod(), START);
    restart();
    written.check(prod(), START);
  }

  @Test
  void aFileThatIsTooShortAtTheStartDoes() throws Exception {
    Files.write(file(), new byte[10]);
    restart();
    assertThat(prod().damagedFiles()).hasSize(1);
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(prod().damagedFiles()).isEmpty();
    written.check(prod(), START);
  }

  @Test
  void aRequestDoesNotWait() throws Exception {
    restart();
    damage(file());
    assertDamageIsMet(file().toString());
    server.tenants.retry(prod());
    server.threads.settle();
    assertThat(prod().damagedFiles()).isEmpty();
    written.check(prod(), START);
  }

  @Test
  void aDamagedFileStaysAsItIsWhileTheStoreHasNoBetterOne() throws Exception {
    byte[] good = Files.readAllBytes(object());
    damage(object());
    restart();
    damage(file());
    byte[] bad = Files.readAllBytes(file());
    assertDamageIsMet(file().toString());
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(prod().damagedFiles()).hasSize(1);
    assertThat(Files.readAllBytes(file())).isEqualTo(bad);
    assertThat(server.tenants.resources().downloadFailures()).isPositive();
    Files.write(object(), good);
    server.threads.pass(Duration.ofHours(2));
    assertThat(prod().damagedFiles()).isEmpty();
    written.check(prod(), START);
  }

  /// It is put again when the index part is lost, as if it were not there.
  @Test
  void aDamagedFileDoesNotTakeThePlaceOfAnObjectThatIsWell() throws Exception {
    byte[] good = Files.readAllBytes(object());
    try (Stream<Path> all = Files.walk(directory.resolve("bucket"))) {
      for (Path index : all.filter(path -> path.toString().contains("/index-")).toList()) {
        Files.delete(index);
      }
    }
    damage(file());
    restart();
    server.threads.pass(Duration.ofMinutes(1));
    assertThat(prod().uploadState().orElseThrow().failure().orElseThrow())
        .contains(file().toString(), "it can't be uploaded");
    assertThat(Files.readAllBytes(object())).isEqualTo(good);
  }

  private void evict() throws IOException {
    prod().index().files().noteEvicted();
    Files.delete(file());
    DurableFile.syncDirectory(prod().index().files().directory());
    restart();
  }

  /// Whether it is gone for good nobody here can tell: perhaps the wrong bucket is there.
  @Test
  void aMissingObjectIsNamedUntilItIsThere() throws Exception {
    evict();
    Path object = object();
    Path aside = directory.resolve("aside");
    Files.move(object, aside);
    String missing = "object tenants/" + prod().tenant();
    assertThatThrownBy(() -> written.check(prod(), START))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining(missing);
    assertThat(prod().damagedFiles())
        .singleElement()
        .satisfies(damaged -> assertThat(damaged.toString()).contains(missing, "is missing"));
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(prod().damagedFiles()).hasSize(1);
    Files.move(aside, object);
    written.check(prod(), START);
    server.threads.pass(Duration.ofHours(2));
    assertThat(prod().damagedFiles()).isEmpty();
  }

  @Test
  void aDamagedObjectIsNamedUntilItIsWell() throws Exception {
    evict();
    byte[] good = Files.readAllBytes(object());
    damage(object());
    assertDamageIsMet("object tenants/" + prod().tenant());
    server.threads.pass(Duration.ofMinutes(2));
    assertThat(prod().damagedFiles()).hasSize(1);
    assertThat(server.tenants.resources().downloadFailures()).as("there is no file").isZero();
    Files.write(object(), good);
    server.threads.pass(Duration.ofHours(2));
    assertThat(prod().damagedFiles()).isEmpty();
    assertThat(Files.exists(file())).isFalse();
    written.check(prod(), START);
  }

  /// They would be merged before they are uploaded, as few as they are.
  @Test
  @Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void anUploadDoesNotWaitForDamagedFilesToBeMerged() throws Exception {
    for (int i = 0; i < 2; i++) {
      try (Ingest ingest = prod().ingest()) {
        written.image(ingest, i);
      }
      prod().checkpoint();
    }
    List<LayerEntry> flushed =
        prod().index().current().layers().stream().filter(entry -> entry.level() == 0).toList();
    assertThat(flushed).hasSize(2);
    for (LayerEntry entry : flushed) {
      Files.write(prod().index().files().layer(entry.name()), new byte[10]);
    }
    server.tenants.retry(prod());
    assertThat(prod().damagedFiles()).hasSize(2);
    server.threads.pass(Duration.ofHours(4));
    assertThat(prod().uploadState().orElseThrow().failure().orElseThrow())
        .contains("it can't be uploaded");
  }
}
