package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A damaged file is an error that names it, or, where the damage is not touched, right.
class LayerDamageTest {

  @TempDir private Path directory;
  private Path file;
  private FinishedLayer finished;
  private List<Version> versions;

  @BeforeEach
  void fewVersionsInSeveralParts() throws IOException {
    write(Compression.NONE);
  }

  private void write(Compression compression) throws IOException {
    file = directory.resolve(compression.name());
    var random = new SplittableRandom(5);
    versions = new ArrayList<>();
    for (int relation = 1; relation <= 6; relation++) {
      for (int block = 0; block < 3; block++) {
        for (int lsn = 1; lsn <= 2 + relation % 3; lsn++) {
          byte[] bytes = new byte[random.nextInt(90)];
          versions.add(
              new Version(
                  new Key(0, 1663, 5, relation, 0, block),
                  new Lsn(800L * lsn),
                  lsn == 1,
                  lsn == 1,
                  new Version.ByteString(bytes)));
        }
      }
    }
    finished = LayerFixture.smallBlocks(file, compression, versions);
  }

  private void verify() throws IOException {
    try (var files = new LayerFiles(new BlockCache(0), 1);
        var layer = LayerFixture.open(files, finished)) {
      layer.verify();
    }
  }

  /// Damage is found wherever it is when all is read, and never changes what a read gives.
  @ParameterizedTest
  @EnumSource
  void everyBitCounts(Compression compression) throws IOException {
    if (compression != Compression.NONE) {
      write(compression);
    }
    assertThat(finished.size()).isEqualTo(Files.size(file));
    byte[] good = Files.readAllBytes(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int bit = 0; bit < 8 * good.length; bit++) {
        int at = bit / 8;
        channel.write(ByteBuffer.wrap(new byte[] {(byte) (good[at] ^ 1 << bit % 8)}), at);
        assertThatThrownBy(this::verify)
            .as("bit %d of byte %d", bit % 8, at)
            .isInstanceOf(CorruptLayerException.class)
            .hasMessageContaining(file.toString());
        if (bit % 8 == at % 8) {
          findsAreRightOrErrors(at);
        }
        channel.write(ByteBuffer.wrap(good, at, 1), at);
      }
    }
    verify();
  }

  private void findsAreRightOrErrors(int at) throws IOException {
    try (var files = new LayerFiles(new BlockCache(1 << 20), 1);
        var layer = LayerFixture.open(files, finished)) {
      for (Version version : versions.subList(0, 20)) {
        List<Version> expected =
            LayerFixture.expected(versions, version.key(), Lsn.ZERO, Lsn.MAX, 99);
        List<Version> found;
        try {
          found = LayerFixture.find(layer, version.key(), Lsn.ZERO, Lsn.MAX, 99);
        } catch (CorruptLayerException e) {
          assertThat(e.file()).isEqualTo(file);
          continue;
        }
        assertThat(found).as("byte %d", at).isEqualTo(expected);
      }
    }
  }

  @Test
  void everyByteCounts() throws IOException {
    byte[] good = Files.readAllBytes(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int length = good.length - 1; length >= 0; length--) {
        channel.truncate(length);
        assertThatThrownBy(this::verify)
            .as("cut to %d bytes", length)
            .isInstanceOf(CorruptLayerException.class);
      }
    }
    Files.write(file, good);
    verify();
    Files.write(file, new byte[1], StandardOpenOption.APPEND);
    assertThatThrownBy(this::verify).isInstanceOf(CorruptLayerException.class);
  }

  @Test
  void wholeBlocksInEachOthersPlaceAreNoticed() throws IOException {
    file = directory.resolve("alike");
    versions = new ArrayList<>();
    for (int block = 0; block < 30; block++) {
      var bytes = new Version.ByteString(new byte[150]);
      versions.add(new Version(new Key(0, 1663, 5, 1, 0, block), new Lsn(8), true, true, bytes));
    }
    finished = LayerFixture.smallBlocks(file, Compression.NONE, versions);
    byte[] bytes = Files.readAllBytes(file);
    int first = LayerHeader.BYTES;
    int length = BlockFrame.BYTES + Encoding.getInt(bytes, first);
    byte[] swapped = bytes.clone();
    System.arraycopy(bytes, first, swapped, first + length, length);
    System.arraycopy(bytes, first + length, swapped, first, length);
    assertThat(Encoding.getInt(bytes, first + length)).isEqualTo(Encoding.getInt(bytes, first));
    Files.write(file, swapped);
    assertThatThrownBy(this::verify)
        .isInstanceOf(CorruptLayerException.class)
        .hasMessageContaining("checksum");
  }

  @Test
  void theFooterMustBeThatOfTheFile() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    byte[] footer = Arrays.copyOfRange(bytes, bytes.length - LayerFooter.BYTES, bytes.length);
    Files.write(file, footer, StandardOpenOption.APPEND);
    assertThatThrownBy(this::verify)
        .isInstanceOf(CorruptLayerException.class)
        .hasMessageContaining(bytes.length + "");
    var other = new LayerOwner(new TenantId(8, 8), new TimelineId(9, 9));
    byte[] header = new LayerHeader(LayerKind.DELTA, other).write();
    System.arraycopy(header, 0, bytes, 0, header.length);
    Files.write(file, bytes);
    try (var files = new LayerFiles(new BlockCache(0), 1);
        var layer = new DeltaLayer(files, file, finished.name(), other)) {
      assertThatThrownBy(layer::verify)
          .isInstanceOf(CorruptLayerException.class)
          .hasMessageContaining("different files");
    }
  }

  @Test
  void theFileMustBeWhatItsNameSays() throws IOException {
    LayerName name = finished.name();
    var stranger = new LayerOwner(new TenantId(1, 2), new TimelineId(3, 5));
    var wider = LayerName.delta(KeyRange.ALL, name.lsns());
    var later = LayerName.delta(name.keys(), new LsnRange(new Lsn(1), name.lsns().end()));
    var image = LayerName.image(name.keys(), name.lsns().start());
    try (var files = new LayerFiles(new BlockCache(0), 1)) {
      for (LayerName wrong : List.of(wider, later)) {
        try (var layer = new DeltaLayer(files, file, wrong, LayerFixture.OWNER)) {
          assertThatThrownBy(layer::verify)
              .isInstanceOf(CorruptLayerException.class)
              .hasMessageContaining("name");
        }
      }
      try (var layer = new DeltaLayer(files, file, name, stranger)) {
        assertThatThrownBy(layer::verify)
            .isInstanceOf(CorruptLayerException.class)
            .hasMessageContaining("00000000000000030000000000000005");
      }
      try (var layer = new ImageLayer(files, file, image, LayerFixture.OWNER)) {
        assertThatThrownBy(layer::verify)
            .isInstanceOf(CorruptLayerException.class)
            .hasMessageContaining("DELTA");
      }
    }
  }

  @Test
  void anUnknownVersionOfTheFormatIsSaid() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[8] = 2;
    Files.write(file, bytes);
    assertThatThrownBy(this::verify).hasMessageContaining("format version 2");
  }
}
