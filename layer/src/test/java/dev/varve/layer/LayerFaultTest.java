package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.varve.model.KeyRange;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Each call to the file fails once.
class LayerFaultTest {

  private static final int NEVER = Integer.MAX_VALUE;

  @TempDir private Path directory;
  private final List<Version> versions =
      List.copyOf(LayerFixture.versions(new SplittableRandom(8), 300, 1));

  private FaultyChannel create(Path file, int failing, int most) throws IOException {
    FileChannel real =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return new FaultyChannel(real, failing, most);
  }

  @Test
  void aWriterThatFailedLeavesNothing() throws IOException {
    Path file = directory.resolve("layer.temp");
    boolean failed = true;
    for (int call = 0; failed; call++) {
      FaultyChannel channel = create(file, call, 4000);
      DeltaLayerWriter writer = LayerFixture.smallBlocks(file, channel, Compression.NONE);
      boolean threw = write(writer);
      if (threw) {
        assertThatIllegalStateException().isThrownBy(writer::finish);
        assertThatIllegalStateException()
            .isThrownBy(() -> LayerFixture.add(writer, versions.getLast()));
      }
      closeAgain(writer);
      failed = channel.failed();
      assertThat(threw).as("call %d", call).isEqualTo(failed);
      assertThat(Files.exists(file)).as("call %d", call).isEqualTo(!failed);
      assertThat(call).isLessThan(10_000);
    }
  }

  /// @return whether it failed
  private boolean write(DeltaLayerWriter writer) {
    try {
      for (Version version : versions) {
        LayerFixture.add(writer, version);
      }
      writer.finish();
      return false;
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("injected");
      return true;
    }
  }

  private static void closeAgain(DeltaLayerWriter writer) {
    try {
      writer.close();
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("injected");
    }
  }

  @Test
  void aFileWrittenAndReadInSmallPiecesIsTheSame() throws IOException {
    Path pieces = directory.resolve("pieces");
    FinishedLayer expected =
        LayerFixture.smallBlocks(directory.resolve("whole"), Compression.ZSTD, versions);
    FinishedLayer finished;
    try (var writer =
        LayerFixture.smallBlocks(pieces, create(pieces, NEVER, 13), Compression.ZSTD)) {
      for (Version version : versions) {
        LayerFixture.add(writer, version);
      }
      finished = writer.finish();
    }
    assertThat(Files.mismatch(pieces, expected.temporary())).isEqualTo(-1);
    assertThat(finished.crc()).isEqualTo(expected.crc()).isEqualTo(crc(pieces));
    var cache = new BlockCache(0);
    try (var files = new LayerFiles(cache, 1, path -> reading(path, NEVER, 13));
        var layer = LayerFixture.open(files, finished)) {
      assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(versions);
    }
  }

  private static int crc(Path file) throws IOException {
    var crc = new CRC32C();
    crc.update(Files.readAllBytes(file));
    return (int) crc.getValue();
  }

  private static FaultyChannel reading(Path path, int failing, int most) throws IOException {
    return new FaultyChannel(FileChannel.open(path, StandardOpenOption.READ), failing, most);
  }

  @Test
  void aReadThatFailsIsAnErrorAndTheNextOneIsRight() throws IOException {
    FinishedLayer finished =
        LayerFixture.smallBlocks(directory.resolve("layer"), Compression.LZ4, versions);
    var channel = new AtomicReference<FaultyChannel>();
    boolean failed = true;
    for (int call = 0; failed; call++) {
      int failing = call;
      try (var files =
              new LayerFiles(
                  new BlockCache(1 << 20),
                  1,
                  path -> {
                    channel.set(reading(path, failing, NEVER));
                    return channel.get();
                  });
          var layer = LayerFixture.open(files, finished)) {
        try {
          LayerFixture.walk(layer, KeyRange.ALL);
        } catch (IOException e) {
          assertThat(e).hasMessageContaining("injected");
        }
        failed = channel.get().failed();
        if (failed) {
          assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(versions);
        }
      } catch (IOException e) {
        assertThat(e).hasMessageContaining("injected"); // at closing the file
      }
    }
  }
}
