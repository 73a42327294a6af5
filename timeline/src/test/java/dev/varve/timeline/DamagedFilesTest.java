package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.putImage;
import static dev.varve.timeline.Fixture.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Layer files that are missing, cut, changed, and put back, on real files.
@Timeout(180)
class DamagedFilesTest {

  private static final Logger LOG = Logger.getLogger("dev.varve");

  @TempDir private Path data;
  private Path first;
  private Path second;
  private Path unlisted;

  /// Blocks 0 and 1 as of the start are in one file, blocks 1 and 2 as of 8 later in another.
  @BeforeEach
  void write() throws IOException {
    LOG.setLevel(Level.OFF);
    try (Fixture server = open()) {
      Timeline prod = server.importing("prod");
      try (Ingest ingest = prod.ingest()) {
        putImage(ingest, 0, START, 7);
        putImage(ingest, 1, START, 8);
        ingest.advance(START);
        prod.markImported(new Lsn(START));
        first = layer(List.of());
        putImage(ingest, 1, START + 8, 9);
        putImage(ingest, 2, START + 8, 10);
        ingest.advance(START + 8);
      }
      prod.checkpoint();
      second = layer(List.of(first));
      server.tenants.branch(prod, server.newId(), "branch", new Lsn(START + 8));
    }
    unlisted = second.resolveSibling(second.getFileName().toString().replace("1009-v1", "2009-v1"));
  }

  @AfterEach
  void logAgain() {
    LOG.setLevel(null);
  }

  private Fixture open() throws IOException {
    return new Fixture(data, Fixture.settings(8 << 20, 1 << 20));
  }

  private Path layer(List<Path> known) throws IOException {
    try (Stream<Path> files = Files.walk(data)) {
      return files
          .filter(file -> file.toString().contains("-v1") && !known.contains(file))
          .findFirst()
          .orElseThrow();
    }
  }

  private static Timeline find(Fixture server, String name) {
    return server.tenants.find(name).orElseThrow();
  }

  private static void assertFails(Timeline timeline, int block, long lsn, Path file) {
    assertThatThrownBy(() -> read(timeline, block, lsn))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining(file.toString());
  }

  private static void assertDamaged(Timeline timeline, Path file, String finding) {
    assertThat(timeline.state()).isEqualTo(new TimelineState.Active());
    assertThat(timeline.damagedFiles())
        .singleElement()
        .satisfies(damaged -> {
          assertThat(damaged.file()).isEqualTo(file);
          assertThat(damaged.finding()).contains(finding);
          assertThat(damaged.toString()).startsWith("layer file " + file + " ");
        });
  }

  @Test
  void aMissingFileBreaksTheReadsThatNeedItOnly() throws IOException {
    Path away = data.resolve("away");
    Files.move(first, away);
    Files.write(unlisted, new byte[3]);
    try (Fixture server = open()) {
      Timeline prod = find(server, "prod");
      assertDamaged(prod, first, "is missing");
      assertThat(unlisted).as("nothing is deleted while something is missing").exists();
      assertFails(prod, 0, START, first);
      assertFails(prod, 0, START + 8, first);
      assertFails(find(server, "branch"), 0, START + 8, first);
      assertThat(find(server, "branch").damagedFiles()).isEmpty();
      assertThat(read(prod, 1, START + 8)).isEqualTo(9);
      assertThat(read(find(server, "branch"), 2, START + 8)).isEqualTo(10);
      try (Ingest ingest = prod.ingest()) { // it takes in more, and makes that durable
        putImage(ingest, 3, START + 16, 11);
        ingest.advance(START + 16);
      }
      prod.checkpoint();
      assertThat(read(prod, 3, START + 16)).isEqualTo(11);
      assertThat(server.tenants.retry(prod)).isSameAs(prod);
      assertDamaged(prod, first, "is missing");
      Files.move(away, first);
      server.tenants.retry(prod);
      assertThat(prod.damagedFiles()).isEmpty();
      assertThat(read(prod, 0, START)).isEqualTo(7);
      assertThat(read(find(server, "branch"), 0, START + 8)).isEqualTo(7);
    }
  }

  @Test
  void aFileOfAnotherSizeIsNamedWithBoth() throws IOException {
    byte[] bytes = Files.readAllBytes(second);
    Files.write(second, Arrays.copyOf(bytes, bytes.length - 1));
    try (Fixture server = open()) {
      Timeline prod = find(server, "prod");
      assertDamaged(
          prod, second, "has " + (bytes.length - 1) + " bytes instead of " + bytes.length);
      assertThat(read(prod, 1, START)).isEqualTo(8);
      assertFails(prod, 2, START + 8, second);
      Files.write(second, bytes);
      server.tenants.retry(prod);
      assertThat(read(prod, 2, START + 8)).isEqualTo(10);
    }
  }

  @Test
  void whatAReadMeetsIsNotedAndPutBackUnderAnOpenFile() throws IOException {
    byte[] bytes = Files.readAllBytes(second);
    byte[] changed = bytes.clone();
    for (int i = 100; i < bytes.length - 200; i++) {
      changed[i] ^= 1;
    }
    Files.write(second, changed);
    try (Fixture server = open()) {
      Timeline prod = find(server, "prod");
      assertThat(prod.damagedFiles()).isEmpty();
      assertFails(find(server, "branch"), 2, START + 8, second);
      assertDamaged(prod, second, "is damaged at byte");
      assertThat(find(server, "branch").damagedFiles()).isEmpty();
      assertThat(prod.metrics().counts().readFailures()).isEqualTo(1);
      assertThat(find(server, "branch").metrics().counts().readFailures()).isZero();
      server.tenants.retry(prod);
      assertDamaged(prod, second, "its checksum is wrong");
      Path copy = second.resolveSibling("copy");
      Files.write(copy, bytes);
      Files.move(copy, second, StandardCopyOption.ATOMIC_MOVE);
      server.tenants.retry(prod);
      assertThat(prod.damagedFiles()).isEmpty();
      assertThat(read(prod, 2, START + 8)).isEqualTo(10);
    }
  }

  @Test
  void aScanNamesTheFileToo() throws IOException {
    Files.delete(first);
    try (Fixture server = open()) {
      Timeline branch = find(server, "branch");
      Key from = Fixture.key(0);
      assertThatThrownBy(() ->
              branch.scan(new KeyRange(from, Fixture.key(9)), new Lsn(START + 8), (_, _) -> {}))
          .isInstanceOf(PageserverException.DataCorrupted.class)
          .hasMessageContaining(first.toString());
      assertDamaged(find(server, "prod"), first, "is missing");
    }
  }

  @Test
  void anImportThatNeverEndedIsNotDiscardedWhileItsFilesAreMissing() throws IOException {
    Path layer;
    try (Fixture server = open()) {
      Timeline half = server.importing("half");
      try (Ingest ingest = half.ingest()) {
        putImage(ingest, 0, START, 7);
        ingest.advance(START);
      }
      half.checkpoint();
      layer = layer(List.of(first, second));
    }
    Files.delete(layer);
    try (Fixture server = open()) {
      assertThat(find(server, "half").state())
          .isEqualTo(new TimelineState.Broken("layer file " + layer + " is missing"));
    }
  }
}
