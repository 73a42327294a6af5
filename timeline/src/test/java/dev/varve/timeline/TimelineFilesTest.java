package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.layer.LayerName;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TimelineFilesTest {

  private static final TimelineIdentity IDENTITY =
      new TimelineIdentity(
          new TenantId(1, 2),
          new TimelineId(0x10, 0xABCDEF),
          "before the accident \"2\"",
          17,
          Optional.of(new TimelineId(3, 4)),
          new Lsn(0x1_0000_0028L),
          Instant.parse("2026-11-22T10:11:12.5Z"),
          Map.of("system_identifier", "7575"));

  private static final IndexPart FIRST = new IndexPart(new Lsn(0x1000), Lsn.MAX, false, List.of());

  private static final IndexPart INDEX =
      new IndexPart(
          new Lsn(0x2000),
          new Lsn(0x1000),
          true,
          List.of(
              new LayerEntry(
                  LayerName.delta(KeyRange.ALL, new LsnRange(new Lsn(0x1001), new Lsn(0x2001))),
                  3,
                  0xDEADBEEF,
                  0,
                  new Key(0, 1663, 5, 2619, 0, 7),
                  Generation.NONE),
              new LayerEntry(
                  LayerName.image(
                      new KeyRange(Key.MIN, new Key(1, 0, 0, 0, 0, 0)), new Lsn(0x1000)),
                  70_000_000_000L,
                  1,
                  LayerEntry.BOTTOM,
                  Key.MIN,
                  Generation.NONE)));

  @TempDir private Path directory;
  private TimelineFiles files;

  @BeforeEach
  void create() throws IOException {
    files = new TimelineFiles(directory);
    files.create(IDENTITY, FIRST);
    files.writeIndex(INDEX);
  }

  @Test
  void beginsWithOneFile() throws IOException {
    Files.delete(directory.resolve("index_part.json"));
    assertThat(directory.toFile().list()).containsExactly("timeline.json");
    assertThat(files.readIdentity()).isEqualTo(IDENTITY);
    assertThat(files.readIndex()).isEqualTo(FIRST);
  }

  @Test
  void noticesThatTheIndexPartOfLayersIsMissing() throws IOException {
    Files.delete(directory.resolve("index_part.json"));
    Files.createFile(files.layer(INDEX.layers().getFirst().name()));
    assertThatThrownBy(files::readIndex)
        .isInstanceOf(IOException.class)
        .hasMessage(directory.resolve("index_part.json") + " is missing");
  }

  @Test
  void readsWhatItWrote() throws IOException {
    assertThat(files.readIdentity()).isEqualTo(IDENTITY);
    assertThat(files.readIndex()).isEqualTo(INDEX);
    IndexPart next = INDEX.withFlushed(new Lsn(0x3000), List.of());
    files.writeIndex(next);
    assertThat(files.readIndex()).isEqualTo(next);
    assertThat(directory.toFile().list())
        .containsExactlyInAnyOrder("timeline.json", "index_part.json");
  }

  @Test
  void keepsItsForm() throws IOException {
    assertThat(Files.readString(directory.resolve("timeline.json")))
        .isEqualTo(
            """
            {"crc32c":"%s","content":{"format":2,\
            "tenant":"00000000000000010000000000000002",\
            "timeline":"00000000000000100000000000abcdef",\
            "name":"before the accident \\"2\\"","pg_version":17,\
            "ancestor":"00000000000000030000000000000004","start":"1/28",\
            "created":"2026-11-22T10:11:12.500Z",\
            "properties":{"system_identifier":"7575"},"first_index":{"format":3,\
            "disk_consistent_lsn":"0/1000","readable_from":"FFFFFFFF/FFFFFFFF",\
            "imported":false,"next_copy":0,"layers":[]}}}
            """
                .formatted("0151ceb4"));
    assertThat(Files.readString(directory.resolve("index_part.json")))
        .isEqualTo(
            """
            {"crc32c":"%s","content":{"format":3,"disk_consistent_lsn":"0/2000",\
            "readable_from":"0/1000","imported":true,"next_copy":1,"layers":[{"name":\
            "000000000000000000000000000000000000-FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\
            __0000000000001001-0000000000002001-v1","bytes":3,"crc32c":"deadbeef",\
            "level":0,"from":"000000067F0000000500000A3B0000000007",\
            "generation":"00000000"},{"name":\
            "000000000000000000000000000000000000-010000000000000000000000000000000000\
            __0000000000001000-v1","bytes":70000000000,"crc32c":"00000001",\
            "level":15,"from":"000000000000000000000000000000000000",\
            "generation":"00000000"}]}}
            """
                .formatted("dc3603ff"));
  }

  @Test
  void noticesEveryTruncation() throws IOException {
    byte[] whole = Files.readAllBytes(directory.resolve("index_part.json"));
    for (int length = 0; length < whole.length - 1; length++) { // the line feed may be missing
      Files.write(directory.resolve("index_part.json"), Arrays.copyOf(whole, length));
      assertThatThrownBy(files::readIndex)
          .as("%d bytes", length)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("index_part.json is damaged");
    }
  }

  @Test
  void tellsATimelineThatWasNeverFinishedFromADamagedOne() throws IOException {
    assertThat(files.isUnfinished()).isFalse();
    Path identity = directory.resolve("timeline.json");
    byte[] whole = Files.readAllBytes(identity);
    Path index = directory.resolve("index_part.json");
    byte[] part = Files.readAllBytes(index);
    for (int length = 0; length < whole.length - 1; length++) { // at the line feed all is there
      byte[] begun = Arrays.copyOf(whole, length);
      Files.write(identity, begun);
      assertThat(files.isUnfinished()).as("it has an index part").isFalse();
      Files.delete(index);
      assertThat(files.isUnfinished()).as("%d bytes", length).isTrue();
      Files.write(identity, Arrays.copyOf(begun, whole.length));
      assertThat(files.isUnfinished()).as("%d bytes, then zeros", length).isTrue();
      Files.write(index, part);
    }
    Files.delete(index);
    for (int bit = 0; bit < whole.length * 8; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(identity, flipped);
      assertThat(files.isUnfinished()).as("bit %d", bit).isFalse();
    }
    Files.delete(identity);
    assertThat(files.isUnfinished()).isTrue();
  }

  @Test
  void noticesEveryFlippedBit() throws IOException {
    for (String name : List.of("index_part.json", "timeline.json")) {
      byte[] whole = Files.readAllBytes(directory.resolve(name));
      for (int bit = 0; bit < whole.length * 8; bit++) {
        byte[] flipped = whole.clone();
        flipped[bit / 8] ^= (byte) (1 << bit % 8);
        Files.write(directory.resolve(name), flipped);
        requireErrorOrSame(name, bit);
      }
      Files.write(directory.resolve(name), whole);
    }
  }

  private void requireErrorOrSame(String name, int bit) {
    try {
      if (name.startsWith("index")) {
        assertThat(files.readIndex()).as("bit %d", bit).isEqualTo(INDEX);
      } else {
        assertThat(files.readIdentity()).as("bit %d", bit).isEqualTo(IDENTITY);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining(name + " is damaged");
    }
  }
}
