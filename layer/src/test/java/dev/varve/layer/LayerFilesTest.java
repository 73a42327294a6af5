package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayerFilesTest {

  @TempDir private Path directory;
  private final Queue<FileChannel> opened = new ConcurrentLinkedQueue<>();
  private List<Version> versions;
  private FinishedLayer finished;

  @BeforeEach
  void write() throws IOException {
    versions = List.copyOf(LayerFixture.versions(new SplittableRandom(3), 500, 1));
    finished = LayerFixture.smallBlocks(directory.resolve("layer.temp"), Compression.LZ4, versions);
  }

  private LayerFiles files(int mostOpen) {
    return new LayerFiles(
        new BlockCache(0),
        mostOpen,
        path -> {
          FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
          opened.add(channel);
          return channel;
        });
  }

  private void findsAll(Layer layer) throws IOException {
    for (Version version : versions) {
      Key key = version.key();
      assertThat(LayerFixture.find(layer, key, version.lsn(), version.lsn().plus(1), 1))
          .containsExactly(version);
    }
  }

  @Test
  void keepsOnlySoManyFilesOpen() throws IOException {
    try (LayerFiles files = files(2)) {
      var layers = new ArrayList<DeltaLayer>();
      for (int i = 0; i < 5; i++) {
        layers.add(LayerFixture.open(files, finished));
      }
      for (DeltaLayer layer : layers) {
        findsAll(layer);
        assertThat(files.openFiles()).isLessThanOrEqualTo(2);
      }
      assertThat(opened.stream().filter(FileChannel::isOpen)).hasSize(2);
      findsAll(layers.getFirst());
      layers.forEach(DeltaLayer::close);
      assertThat(opened.stream().filter(FileChannel::isOpen)).isEmpty();
    }
  }

  @Test
  void opensAFileAnewWhoseChannelAnInterruptClosed() throws IOException {
    try (LayerFiles files = files(2);
        DeltaLayer layer = LayerFixture.open(files, finished)) {
      findsAll(layer);
      opened.remove().close(); // as an interrupt of another reader does
      findsAll(layer);
      assertThat(opened).hasSize(1);
    }
  }

  @Test
  void whoWasInterruptedBeforeDoesNotCloseTheFile() throws IOException {
    try (LayerFiles files = files(2);
        DeltaLayer layer = LayerFixture.open(files, finished)) {
      findsAll(layer);
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> findsAll(layer)).isInstanceOf(ClosedByInterruptException.class);
      assertThat(Thread.interrupted()).isTrue();
      findsAll(layer);
      assertThat(opened).hasSize(1).allMatch(FileChannel::isOpen);
    }
  }

  @Test
  void anInterruptedReaderHarmsNoOther() throws Exception {
    var interrupted = new AtomicInteger();
    var failure = new AtomicReference<Throwable>();
    var stop = new AtomicBoolean();
    try (LayerFiles files = files(2);
        DeltaLayer layer = LayerFixture.open(files, finished)) {
      Thread victim = Thread.ofPlatform().unstarted(() -> read(layer, stop, interrupted, failure));
      Thread other = Thread.ofPlatform().unstarted(() -> read(layer, stop, null, failure));
      victim.start();
      other.start();
      while (interrupted.get() < 50 && failure.get() == null) {
        victim.interrupt();
        Thread.onSpinWait();
      }
      stop.set(true);
      victim.join();
      other.join();
      findsAll(layer);
    }
    assertThat(failure.get()).isNull();
  }

  private void read(
      Layer layer,
      AtomicBoolean stop,
      @Nullable AtomicInteger interrupted,
      AtomicReference<Throwable> failure) {
    while (!stop.get()) {
      try {
        findsAll(layer);
      } catch (ClosedByInterruptException e) {
        if (interrupted == null) {
          failure.set(e);
          return;
        }
        interrupted.incrementAndGet();
        Thread.interrupted();
      } catch (IOException | RuntimeException | AssertionError e) {
        failure.set(e);
        return;
      }
    }
  }

  @Test
  void commitsUnderTheNameAndNeverOverAnotherFile() throws IOException {
    Path target = LayerFiles.commit(finished, directory);
    assertThat(target.getFileName()).hasToString(finished.name().fileName());
    assertThat(LayerName.parse(target.getFileName().toString())).contains(finished.name());
    assertThat(finished.temporary()).doesNotExist();
    byte[] before = Files.readAllBytes(target);
    FinishedLayer again =
        LayerFixture.delta(directory.resolve("again.temp"), Compression.NONE, versions);
    assertThatThrownBy(() -> LayerFiles.commit(again, directory))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(Files.readAllBytes(target)).isEqualTo(before);
  }

  @Test
  void aFileIsDeletedWithTheLastReference() throws IOException {
    try (LayerFiles files = files(2)) {
      DeltaLayer layer = LayerFixture.open(files, finished);
      assertThat(layer.acquire()).isTrue();
      layer.deleteWhenReleased();
      layer.close();
      findsAll(layer);
      layer.release();
      assertThat(finished.temporary()).doesNotExist();
      assertThat(layer.acquire()).isFalse();
      Key key = versions.getFirst().key();
      assertThatThrownBy(() -> LayerFixture.find(layer, key, Lsn.ZERO, Lsn.MAX, 1))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void aMissingFileIsAnErrorOfEachRead() throws IOException {
    Files.delete(finished.temporary());
    try (LayerFiles files = files(2);
        DeltaLayer layer = LayerFixture.open(files, finished)) {
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(layer::verify).isInstanceOf(NoSuchFileException.class);
      }
    }
  }

  @Test
  void aVeryLargeVersionHasABlockOfItsOwn() throws IOException {
    byte[] zeros = new byte[20 << 20];
    byte[] noise = new byte[5_000_001];
    new SplittableRandom(1).nextBytes(noise);
    var large = new ArrayList<Version>();
    for (byte[] bytes : List.of(new byte[3], noise, zeros, new byte[0], noise, new byte[9000])) {
      Key key = new Key(0x62, 0, 0, large.size() / 2, 0, 0);
      Lsn lsn = new Lsn(100 + large.size());
      large.add(new Version(key, lsn, true, true, new Version.ByteString(bytes)));
    }
    for (Compression compression : Compression.values()) {
      FinishedLayer layer =
          LayerFixture.delta(directory.resolve("large" + compression), compression, large);
      try (LayerFiles files = files(1);
          DeltaLayer written = LayerFixture.open(files, layer)) {
        written.verify();
        assertThat(LayerFixture.walk(written, KeyRange.ALL)).isEqualTo(large);
        for (Version version : large) {
          assertThat(LayerFixture.find(written, version.key(), version.lsn(), Lsn.MAX, 9))
              .last()
              .isEqualTo(version);
        }
      }
    }
  }

  @Test
  void shortWalksReadThroughTheCacheAndLongOnesDoNotFillIt() throws IOException {
    var cache = new BlockCache(1 << 26);
    try (var files = new LayerFiles(cache, 1);
        DeltaLayer layer = LayerFixture.open(files, finished)) {
      assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(versions);
      long bytes = cache.bytes();
      assertThat(bytes).isLessThan(versions.stream().mapToInt(v -> v.bytes().length()).sum() / 2);
      Key first = versions.getFirst().key();
      LayerFixture.walk(layer, new KeyRange(first, first.next()));
      long misses = cache.misses();
      LayerFixture.walk(layer, new KeyRange(first, first.next()));
      assertThat(cache.misses()).isEqualTo(misses);
    }
  }
}
