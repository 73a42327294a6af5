package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The bytes of format version 1, for good: these files are never edited.
class LayerGoldenTest {

  @TempDir private Path directory;

  private static List<Version> versions() {
    var versions = new ArrayList<Version>();
    for (int block = 0; block < 6; block++) {
      var key = new Key(0, 1663, 5, 16384 + block / 4, 0, 3 * block);
      for (int i = 0; i <= block % 3; i++) {
        byte[] bytes =
            ("version " + i + " of " + key + ". ").repeat(3).getBytes(StandardCharsets.US_ASCII);
        boolean image = i == 0 && block != 1;
        versions.add(
            new Version(
                key,
                new Lsn(0x1_6B37_0000L + 8L * block + 0x100L * i),
                image,
                image || block == 1,
                new Version.ByteString(bytes)));
      }
    }
    versions.add(
        new Version(
            new Key(0x61, 0xFFFF_FFFF, -1, 0, 0xFE, 0),
            new Lsn(0xFFFF_FFFF_FFFF_FFF0L),
            false,
            false,
            new Version.ByteString(new byte[0])));
    return versions;
  }

  private static byte[] golden(String name) throws IOException {
    try (InputStream hex = LayerGoldenTest.class.getResourceAsStream("/layer/" + name)) {
      String text =
          new String(Objects.requireNonNull(hex, name).readAllBytes(), StandardCharsets.US_ASCII);
      return HexFormat.of().parseHex(text.replaceAll("\\s", ""));
    }
  }

  @Test
  void writesADeltaLayerAsEver() throws IOException {
    FinishedLayer layer =
        LayerFixture.smallBlocks(directory.resolve("d"), Compression.NONE, versions());
    assertThat(layer.name().fileName())
        .isEqualTo(
            "000000067F000000050000400000"
                + "00000000"
                + "-61FFFFFFFFFFFFFFFF00000000FE00000001"
                + "__000000016B370000-FFFFFFFFFFFFFFF1-v1");
    assertThat(hex(Files.readAllBytes(layer.temporary()))).isEqualTo(hex(golden("delta-none.hex")));
  }

  @Test
  void writesAnImageLayerAsEver() throws IOException {
    Path file = directory.resolve("i");
    try (var writer =
        new ImageLayerWriter(file, LayerFixture.OWNER, new Lsn(0x16B_3748), Compression.NONE)) {
      for (int block = 0; block < 3; block++) {
        var key = new Key(0, 1663, 5, 16384, 0, block);
        byte[] bytes = ("page " + block).getBytes(StandardCharsets.US_ASCII);
        MemorySegment source = MemorySegment.ofArray(bytes);
        writer.add(key.upper(), key.middle(), key.lower(), source, 0, bytes.length);
      }
      FinishedLayer layer = writer.finish();
      assertThat(layer.name().fileName())
          .isEqualTo(
              "000000067F00000005000040000000000000"
                  + "-000000067F00000005000040000000000003__00000000016B3748-v1");
    }
    assertThat(hex(Files.readAllBytes(file))).isEqualTo(hex(golden("image-none.hex")));
  }

  @ParameterizedTest
  @EnumSource
  void readsWhatWasOnceWritten(Compression compression) throws IOException {
    Path file = directory.resolve("d");
    Files.write(file, golden("delta-" + compression.name().toLowerCase(Locale.ROOT) + ".hex"));
    LayerName name =
        LayerFixture.smallBlocks(directory.resolve("x"), Compression.NONE, versions()).name();
    try (var files = new LayerFiles(new BlockCache(1 << 20), 1);
        var layer = new DeltaLayer(files, file, name, LayerFixture.OWNER)) {
      layer.verify();
      assertThat(LayerFixture.walk(layer, KeyRange.ALL)).isEqualTo(versions());
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes).replaceAll("(.{64})", "$1\n").strip();
  }
}
