package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.putChange;
import static dev.varve.timeline.Fixture.putImage;
import static dev.varve.timeline.Fixture.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What one sees of tenants and timelines, on real files.
@Timeout(180)
class TenantsTest {

  private static final TimelineSettings SETTINGS = Fixture.settings(8 << 20, 1 << 20);

  @TempDir private Path temporary;
  private Path data;

  @BeforeEach
  void choose() {
    data = temporary.resolve("a/b"); // neither exists
  }

  private Fixture open() throws IOException {
    return new Fixture(data, SETTINGS);
  }

  private Path directory(Timeline timeline) {
    return data.resolve("tenants")
        .resolve(timeline.tenant().toString())
        .resolve("timelines")
        .resolve(timeline.id().toString());
  }

  private static List<Path> layers(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.toString().contains("-v1")).toList();
    }
  }

  @Test
  void aDataDirectoryIsForOneProcess() throws IOException {
    try (Fixture first = open()) {
      assertThat(first.tenants.timelines()).isEmpty();
      assertThatThrownBy(this::open)
          .isInstanceOf(IOException.class)
          .hasMessageContaining(data + " is in use by another process")
          .hasMessageContaining("pid " + ProcessHandle.current().pid());
    }
    open().close();
  }

  @Test
  void keepsWhatATimelineIs() throws IOException {
    TimelineIdentity identity;
    try (Fixture server = open()) {
      Timeline root =
          server.tenants.createRoot(
              Fixture.TENANT, server.newId(), "prod", 16, new Lsn(START), Map.of("a", "b"));
      assertThat(root.state()).isEqualTo(new TimelineState.Importing());
      root.markImported(new Lsn(START));
      identity = root.identity();
    }
    try (Fixture server = open()) {
      Timeline root = server.tenants.find("prod").orElseThrow();
      assertThat(root.identity()).isEqualTo(identity);
      assertThat(root.state()).isEqualTo(new TimelineState.Active());
      assertThat(server.tenants.find(Fixture.TENANT, identity.id())).containsSame(root);
    }
  }

  @Test
  void anImportThatDidNotEndIsDiscarded() throws IOException {
    try (Fixture server = open()) {
      Timeline importing = server.importing("half");
      try (Ingest ingest = importing.ingest()) {
        putImage(ingest, 1, START + 8, 1);
        ingest.advance(START + 8);
      }
      importing.checkpoint();
      assertThat(layers(directory(importing))).isNotEmpty();
      assertThatThrownBy(() -> read(importing, 1, START + 8))
          .isInstanceOf(PageserverException.Unavailable.class)
          .hasMessageContaining("still being imported");
      assertThatThrownBy(
              () -> server.tenants.branch(importing, server.newId(), "b", new Lsn(START)))
          .isInstanceOf(PageserverException.Conflict.class);
    }
    try (Fixture server = open()) {
      assertThat(server.tenants.timelines()).isEmpty();
    }
    try (Stream<Path> left = Files.walk(data)) {
      assertThat(left.filter(Files::isRegularFile))
          .extracting(path -> path.getFileName().toString())
          .containsExactly("varve.lock");
    }
  }

  @Test
  void readsAreOnlyOfWhatIsThere() throws IOException {
    try (Fixture server = open()) {
      Timeline root = server.root("prod");
      assertThat(read(root, 0, START)).isEqualTo(7);
      assertThatThrownBy(() -> read(root, 0, START - 1))
          .isInstanceOf(PageserverException.InvalidRequest.class)
          .hasMessage(
              "timeline \"prod\" has no history as of 0/FFF; the earliest it has is as of 0/1000");
      assertThatThrownBy(() -> read(root, 0, START + 1))
          .isInstanceOf(PageserverException.Unavailable.class)
          .hasMessage(
              "timeline \"prod\" has not received WAL up to 0/1001; it has it up to 0/1000");
      assertThatThrownBy(() -> read(root, 1, START))
          .isInstanceOf(PageserverException.NotFound.class);
      try (Ingest ingest = root.ingest()) {
        putChange(ingest, 5, START + 8, 1);
        assertThatThrownBy(() -> read(root, 5, START + 8))
            .isInstanceOf(PageserverException.Unavailable.class); // not yet advanced
        ingest.advance(START + 8);
      }
      assertThatThrownBy(() -> read(root, 5, START + 8))
          .isInstanceOf(PageserverException.DataCorrupted.class)
          .hasMessageContaining(Fixture.key(5).toString())
          .hasMessageContaining("0/1008");
    }
  }

  @Test
  void thereIsOneWriter() throws IOException {
    try (Fixture server = open()) {
      Timeline root = server.root("prod");
      Ingest first = root.ingest();
      assertThatThrownBy(root::ingest).isInstanceOf(PageserverException.Conflict.class);
      first.close();
      assertThatThrownBy(() -> first.advance(START + 8)).isInstanceOf(IllegalStateException.class);
      try (Ingest second = root.ingest()) {
        assertThatThrownBy(() -> putImage(second, 0, START, 1))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("0/1000 is not after what was taken in");
        second.advance(START + 8);
      }
      assertThat(root.lastRecordLsn()).isEqualTo(new Lsn(START + 8));
    }
  }

  @Test
  void namesAndIdsAreUnique() throws IOException {
    try (Fixture server = open()) {
      Timeline root = server.root("prod");
      assertThatThrownBy(() -> server.importing("prod"))
          .isInstanceOf(PageserverException.Conflict.class)
          .hasMessageContaining("\"prod\"");
      assertThatThrownBy(() -> server.tenants.branch(root, server.newId(), "prod", new Lsn(START)))
          .isInstanceOf(PageserverException.Conflict.class);
      assertThatThrownBy(() -> server.tenants.branch(root, root.id(), "other", new Lsn(START)))
          .isInstanceOf(PageserverException.Conflict.class)
          .hasMessageContaining(root.id().toString());
      assertThat(server.tenants.timelines()).containsExactly(root);
    }
  }

  @Test
  void branchesHaveTheirAncestorsPastAndTheirOwnFuture() throws IOException {
    try (Fixture server = open()) {
      Timeline root = server.root("prod");
      try (Ingest ingest = root.ingest()) {
        putImage(ingest, 0, START + 8, 8);
        ingest.advance(START + 8);
        putImage(ingest, 0, START + 16, 16);
        ingest.advance(START + 16);
      }
      Timeline branch = server.tenants.branch(root, server.newId(), "b", new Lsn(START + 8));
      assertThat(branch.ancestorLsn()).isEqualTo(new Lsn(START + 8));
      assertThat(branch.lastRecordLsn()).isEqualTo(new Lsn(START + 8));
      Timeline twig = server.tenants.branch(branch, server.newId(), "c", new Lsn(START));
      try (Ingest ingest = branch.ingest()) {
        putImage(ingest, 0, START + 12, 12);
        ingest.advance(START + 20);
      }
      assertThat(read(root, 0, START + 16)).isEqualTo(16);
      assertThat(read(branch, 0, START + 8)).isEqualTo(8);
      assertThat(read(branch, 0, START + 20)).isEqualTo(12);
      assertThat(read(branch, 0, START)).isEqualTo(7);
      assertThat(read(twig, 0, START)).isEqualTo(7);
    }
    try (Fixture server = open()) {
      assertThat(read(server.tenants.find("b").orElseThrow(), 0, START + 20)).isEqualTo(12);
      assertThat(read(server.tenants.find("c").orElseThrow(), 0, START)).isEqualTo(7);
    }
  }

  @Test
  void branchPointsLieInTheHistory() throws IOException {
    try (Fixture server = open()) {
      Timeline root = server.root("prod");
      assertThatThrownBy(() -> server.tenants.branch(root, server.newId(), "b", new Lsn(START + 1)))
          .isInstanceOf(PageserverException.InvalidRequest.class)
          .hasMessage("0/1001 is in the future of timeline \"prod\", which is at 0/1000");
      assertThatThrownBy(() -> server.tenants.branch(root, server.newId(), "b", new Lsn(START - 1)))
          .isInstanceOf(PageserverException.InvalidRequest.class)
          .hasMessageContaining("the earliest it has is as of 0/1000");
      assertThat(server.tenants.timelines()).containsExactly(root);
    }
  }

  @Test
  void whatHasBranchesIsNotDeleted() throws IOException {
    Path deleted;
    try (Fixture server = open()) {
      Timeline root = server.root("prod");
      Timeline b = server.tenants.branch(root, server.newId(), "b", new Lsn(START));
      server.tenants.branch(root, server.newId(), "a", new Lsn(START));
      assertThatThrownBy(() -> server.tenants.delete(root))
          .isInstanceOf(PageserverException.Conflict.class)
          .hasMessage("timeline \"prod\" can't be deleted before its branches: a, b");
      deleted = directory(b);
      assertThat(deleted).exists();
      server.tenants.delete(b);
      assertThat(server.tenants.find("b")).isEmpty();
      assertThat(deleted).doesNotExist();
      assertThatThrownBy(() -> read(b, 0, START))
          .isInstanceOf(PageserverException.Unavailable.class);
      server.tenants.branch(root, server.newId(), "b", new Lsn(START)); // the name is free
    }
    try (Fixture server = open()) {
      assertThat(server.tenants.timelines()).hasSize(3);
    }
  }

  @Test
  void oneDamagedTimelineHarmsNoOther() throws IOException {
    Path noIndex;
    try (Fixture server = open()) {
      noIndex = directory(server.root("no index")).resolve("index_part.json");
      Timeline well = server.root("well");
      server.tenants.branch(
          server.tenants.find("no index").orElseThrow(), server.newId(), "branch", new Lsn(START));
      server.root("other").checkpoint();
      assertThat(read(well, 0, START)).isEqualTo(7);
    }
    Files.write(noIndex, new byte[10]);
    try (Fixture server = open()) {
      assertBroken(server, "no index", "index_part.json is damaged");
      assertThat(read(server.tenants.find("well").orElseThrow(), 0, START)).isEqualTo(7);
      Timeline branch = server.tenants.find("branch").orElseThrow();
      assertThatThrownBy(() -> read(branch, 0, START))
          .hasMessageContaining("\"no index\" is broken");
      server.tenants.delete(branch);
      server.tenants.delete(server.tenants.find("no index").orElseThrow());
    }
    assertThat(noIndex).doesNotExist();
  }

  private static void assertBroken(Fixture server, String name, String reason) {
    Timeline timeline = server.tenants.find(name).orElseThrow();
    assertThat(timeline.state())
        .isInstanceOfSatisfying(
            TimelineState.Broken.class, broken -> assertThat(broken.reason()).contains(reason));
    assertThatThrownBy(() -> read(timeline, 0, START))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining(reason);
    assertThatThrownBy(timeline::ingest).isInstanceOf(PageserverException.DataCorrupted.class);
  }

  @Test
  void damageInALayerFileIsNeverReadAsAPage() throws IOException {
    Path layer;
    try (Fixture server = open()) {
      Timeline root = server.root("prod");
      layer = layers(directory(root)).getFirst();
    }
    byte[] whole = Files.readAllBytes(layer);
    var random = new SplittableRandom(1);
    int noticed = 0;
    for (int i = 0; i < 40; i++) {
      byte[] damaged = whole.clone();
      damaged[i * whole.length / 40] ^= (byte) (1 << random.nextInt(8));
      Files.write(layer, damaged);
      try (Fixture server = open()) {
        Timeline root = server.tenants.find("prod").orElseThrow();
        try {
          assertThat(read(root, 0, START)).isEqualTo(7);
        } catch (PageserverException.DataCorrupted e) {
          assertThat(e)
              .hasMessageContaining("\"prod\"")
              .hasMessageContaining(Fixture.key(0).toString())
              .hasMessageContaining(layer.toString());
          noticed++;
        }
      }
    }
    assertThat(noticed).isGreaterThan(20);
  }

  @Test
  void filesThatTheIndexPartDoesNotNameAreDeleted() throws IOException {
    Path directory;
    Path layer;
    try (Fixture server = open()) {
      directory = directory(server.root("prod"));
      layer = layers(directory).getFirst();
    }
    String name = layer.getFileName().toString();
    Path unlisted = directory.resolve(name.replace("1001-v1", "2001-v1"));
    Path partial = directory.resolve("flush-7.___temp");
    Files.write(unlisted, new byte[3]);
    Files.write(partial, new byte[3]);
    try (Fixture server = open()) {
      assertThat(unlisted).doesNotExist();
      assertThat(partial).doesNotExist();
      assertThat(layer).exists();
      assertThat(read(server.tenants.find("prod").orElseThrow(), 0, START)).isEqualTo(7);
    }
  }
}
