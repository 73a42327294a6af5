package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReadAheadTest {

  private static final int NEVER = Integer.MAX_VALUE;
  private static final int PAGE = 8192;
  private static final int PAGES = 300;

  @TempDir private Path directory;
  private final AtomicReference<FaultyChannel> channel = new AtomicReference<>();

  /// Collects what a caller with a read-ahead finds.
  private static final class Sink implements VersionSink {
    final List<Version> found = new ArrayList<>();
    final ReadAhead ahead = new ReadAhead();
    final boolean alone;
    final int most;
    Key key = Key.MIN;

    /// @param alone whether to read without looking ahead
    Sink(boolean alone, int most) {
      this.alone = alone;
      this.most = most;
    }

    @Override
    public boolean add(long lsn, boolean image, boolean initializes, MemorySegment bytes) {
      found.add(new Version(key, new Lsn(lsn), image, initializes, Version.copy(bytes)));
      return found.size() == most;
    }

    @Override
    public @Nullable ReadAhead ahead() {
      return alone ? null : ahead;
    }

    List<Version> find(Layer layer, Key newKey) throws IOException {
      key = newKey;
      found.clear();
      layer.find(key.upper(), key.middle(), key.lower(), 0, -1, this);
      return List.copyOf(found);
    }
  }

  private static Key key(int block) {
    return new Key(0, 1663, 5, 16384, 0, block);
  }

  private static byte[] page(int block) {
    byte[] page = new byte[PAGE];
    new java.util.Random(block).nextBytes(page);
    return page;
  }

  private FinishedLayer images() throws IOException {
    try (var writer =
        new ImageLayerWriter(
            directory.resolve("images"), LayerFixture.OWNER, new Lsn(100), Compression.LZ4)) {
      for (int i = 0; i < PAGES; i++) {
        Key key = key(i);
        writer.add(key.upper(), key.middle(), key.lower(), MemorySegment.ofArray(page(i)), 0, PAGE);
      }
      return writer.finish(new KeyRange(key(0), key(PAGES)));
    }
  }

  private LayerFiles files(long cache, int failing) {
    return new LayerFiles(
        new BlockCache(cache),
        1,
        path -> {
          channel.set(
              new FaultyChannel(FileChannel.open(path, StandardOpenOption.READ), failing, NEVER));
          return channel.get();
        });
  }

  private static ImageLayer open(LayerFiles files, FinishedLayer layer) {
    return new ImageLayer(files, layer.temporary(), layer.name(), LayerFixture.OWNER);
  }

  private static boolean isThere(Sink sink, Layer layer, int block) throws IOException {
    List<Version> found = sink.find(layer, key(block));
    return found.size() == 1
        && found.getFirst().bytes().equals(new Version.ByteString(page(block)));
  }

  @ParameterizedTest
  @CsvSource({"0", "10000000"})
  void neighboursAreReadTogether(long cache) throws IOException {
    FinishedLayer layer = images();
    try (var files = files(cache, NEVER);
        var images = open(files, layer)) {
      var sink = new Sink(false, 1);
      assertThat(isThere(sink, images, 0)).isTrue(); // header, root and so on, and one block
      int before = channel.get().calls();
      Key last = key(131);
      sink.ahead.readOnTo(last.upper(), last.middle(), last.lower());
      for (int block = 100; block < 132; block++) {
        assertThat(isThere(sink, images, block)).isTrue();
      }
      // 32 pages take a little more than 256 KiB; blocks of the run may get in each other's places
      assertThat(channel.get().calls() - before).isLessThanOrEqualTo(cache == 0 ? 6 : 2);
      int then = channel.get().calls();
      assertThat(isThere(sink, images, 132)).isTrue(); // not before, as nobody wanted it
      assertThat(channel.get().calls()).isEqualTo(then + 1);
    }
  }

  @Test
  void whatIsCachedIsNotReadAgain() throws IOException {
    FinishedLayer layer = images();
    try (var files = files(10 << 20, NEVER);
        var images = open(files, layer)) {
      var alone = new Sink(true, 1);
      for (int block = 0; block < 40; block++) {
        assertThat(isThere(alone, images, block)).isTrue();
      }
      int before = channel.get().calls();
      var sink = new Sink(false, 1);
      Key last = key(39);
      sink.ahead.readOnTo(last.upper(), last.middle(), last.lower());
      for (int block = 0; block < 40; block++) {
        assertThat(isThere(sink, images, block)).isTrue();
      }
      assertThat(channel.get().calls()).isEqualTo(before);
    }
  }

  @Test
  void aDamagedBlockFailsForItsOwnKeysOnly() throws IOException {
    FinishedLayer layer = images();
    byte[] bytes = Files.readAllBytes(layer.temporary());
    bytes[64 + 20 * (PAGE + 100)] ^= 4;
    Files.write(layer.temporary(), bytes);
    try (var files = files(10 << 20, NEVER);
        var images = open(files, layer)) {
      var sink = new Sink(false, 1);
      Key last = key(50);
      sink.ahead.readOnTo(last.upper(), last.middle(), last.lower());
      int failed = 0;
      for (int block = 0; block <= 50; block++) {
        try {
          assertThat(isThere(sink, images, block)).isTrue();
        } catch (CorruptLayerException e) {
          assertThat(e).hasMessageContaining("checksum");
          failed++;
        }
      }
      assertThat(failed).isEqualTo(2); // pages in a block
    }
  }

  @Test
  void aReadThatFailsIsTriedAlone() throws IOException {
    FinishedLayer layer = images();
    for (int call = 6; call < 12; call++) {
      try (var files = files(10 << 20, call);
          var images = open(files, layer)) {
        var sink = new Sink(false, 1);
        Key last = key(PAGES - 1);
        sink.ahead.readOnTo(last.upper(), last.middle(), last.lower());
        for (int block = 0; block < PAGES; block++) {
          assertThat(isThere(sink, images, block)).isTrue();
        }
        assertThat(channel.get().failed()).isTrue();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 0", "2, 1000000", "3, 20000", "4, 0"})
  void findsTheSame(long seed, long cache) throws IOException {
    var random = new SplittableRandom(seed);
    var versions = List.copyOf(LayerFixture.versions(random, 600, 1));
    FinishedLayer layer =
        LayerFixture.smallBlocks(directory.resolve("delta"), Compression.LZ4, versions);
    try (var files = files(cache, NEVER);
        var delta = LayerFixture.open(files, layer)) {
      List<Key> keys = versions.stream().map(Version::key).distinct().toList();
      for (int round = 0; round < 30; round++) {
        var sink = new Sink(false, 9999);
        Key last = keys.get(random.nextInt(keys.size()));
        sink.ahead.readOnTo(last.upper(), last.middle(), last.lower());
        int step = 1 + random.nextInt(5);
        for (int i = random.nextInt(keys.size()); i < keys.size(); i += step) {
          Key key = random.nextInt(5) == 0 ? keys.get(i).next() : keys.get(i);
          assertThat(sink.find(delta, key))
              .isEqualTo(LayerFixture.expected(versions, key, Lsn.ZERO, Lsn.MAX, 9999));
        }
      }
    }
  }
}
