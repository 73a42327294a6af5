package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.layer.LayerName;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/// Samples of every format that was ever written.
class IndexJsonTest {

  private static final LayerName DELTA =
      LayerName.delta(KeyRange.ALL, new LsnRange(new Lsn(0x1001), new Lsn(0x2001)));

  private static final LayerName IMAGE =
      LayerName.image(new KeyRange(Key.MIN, new Key(1, 0, 0, 0, 0, 0)), new Lsn(0x1000))
          .withCopy(4);

  private static final Lease LEASE =
      new Lease(new Lsn(0x1800), Instant.parse("2026-11-22T10:11:12.5Z"));

  private static byte[] sample(int format) throws IOException {
    String name = "/index/format-" + format + ".json";
    try (InputStream in = Objects.requireNonNull(IndexJsonTest.class.getResourceAsStream(name))) {
      return in.readAllBytes();
    }
  }

  private static IndexPart read(int format) throws IOException {
    return IndexJson.read(CheckedJson.read(sample(format), "sample"), "sample");
  }

  private static IndexPart index(List<Lease> leases, long nextCopy, Key from, Generation second) {
    return new IndexPart(
        new Lsn(0x2000),
        new Lsn(0x1000),
        true,
        List.of(
            new LayerEntry(DELTA, 3, 0xDEADBEEF, 0, from, Generation.NONE),
            new LayerEntry(IMAGE, 70_000_000_000L, 1, LayerEntry.BOTTOM, Key.MIN, second)),
        leases,
        nextCopy);
  }

  /// Layers had no levels.
  @Test
  void readsFormatOne() throws IOException {
    assertThat(read(1)).isEqualTo(index(List.of(), 5, Key.MIN, Generation.NONE));
  }

  /// Layers had no generations, and numbers that were free were used again.
  @Test
  void readsFormatTwo() throws IOException {
    Key from = new Key(0, 1663, 5, 2619, 0, 7);
    assertThat(read(2)).isEqualTo(index(List.of(LEASE), 5, from, Generation.NONE));
  }

  @Test
  void readsAndWritesFormatThree() throws IOException {
    Key from = new Key(0, 1663, 5, 2619, 0, 7);
    IndexPart expected = index(List.of(LEASE), 9, from, new Generation(0x102));
    assertThat(read(3)).isEqualTo(expected);
    assertThat(CheckedJson.bytes(IndexJson.write(expected))).isEqualTo(sample(3));
  }

  @Test
  void refusesWhatIsNewer() {
    assertThatThrownBy(() -> read(4))
        .isInstanceOf(UnusableFileException.class)
        .hasMessage("sample has format 4; this version of Varve reads up to 3");
  }

  /// Whoever can write the file can write its checksum as well.
  @Test
  void refusesWhatCanNotBe() throws IOException {
    ObjectNode json = (ObjectNode) CheckedJson.read(sample(3), "sample");
    json.put("next_copy", 4);
    assertThatThrownBy(() -> IndexJson.read(json, "sample"))
        .isInstanceOf(UnusableFileException.class)
        .hasMessage("sample is damaged: a layer has a number that is not below 4, the next");
    json.put("next_copy", "nine");
    assertThatThrownBy(() -> IndexJson.read(json, "sample"))
        .isInstanceOf(UnusableFileException.class)
        .hasMessage("sample is damaged: next_copy is missing or no number of a layer");
    json.put("next_copy", 9);
    ((ObjectNode) json.path("layers").get(0)).put("generation", "1");
    assertThatThrownBy(() -> IndexJson.read(json, "sample"))
        .isInstanceOf(UnusableFileException.class)
        .hasMessageContaining("is damaged: \"1\" is no generation");
  }

  @Test
  void theNextNumberOnlyRises() throws IOException {
    IndexPart part = read(3);
    IndexPart without = part.withMerged(part.layers(), List.of());
    assertThat(without.nextCopy()).isEqualTo(9);
    LayerEntry more = LayerEntry.of(DELTA.withCopy(-2), 1, 1, 0, Generation.NONE);
    assertThat(without.withFlushed(new Lsn(0x3000), List.of(more)).nextCopy())
        .isEqualTo(0xFFFF_FFFFL);
    assertThat(without.head().nextCopy()).isEqualTo(9);
    assertThat(IndexPart.withoutLayers(without.head()).nextCopy()).isEqualTo(9);
  }
}
