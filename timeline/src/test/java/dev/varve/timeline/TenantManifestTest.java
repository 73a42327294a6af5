package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class TenantManifestTest {

  private static final TenantId TENANT = new TenantId(1, 2);

  private static final TimelineIdentity ROOT =
      new TimelineIdentity(
          TENANT,
          new TimelineId(0, 9),
          "prod",
          17,
          Optional.empty(),
          new Lsn(0x1000),
          Instant.parse("2026-11-22T10:11:12.5Z"),
          Map.of("system_identifier", "7575", "a", "b"));

  private static final TimelineIdentity BRANCH =
      new TimelineIdentity(
          TENANT,
          new TimelineId(0, 3),
          "b",
          17,
          Optional.of(ROOT.id()),
          new Lsn(0x2000),
          Instant.parse("2026-11-23T10:11:12Z"),
          Map.of());

  private static final TenantManifest MANIFEST =
      new TenantManifest(TENANT, List.of(ROOT, BRANCH), Map.of("pitr_interval", "PT24H"));

  private static final String FORMAT_ONE =
      """
      {"crc32c":"%s","content":{"format":1,"tenant":"00000000000000010000000000000002",\
      "configuration":{"pitr_interval":"PT24H"},"timelines":[{"format":2,\
      "tenant":"00000000000000010000000000000002",\
      "timeline":"00000000000000000000000000000003","name":"b","pg_version":17,\
      "ancestor":"00000000000000000000000000000009","start":"0/2000",\
      "created":"2026-11-23T10:11:12Z","properties":{}},{"format":2,\
      "tenant":"00000000000000010000000000000002",\
      "timeline":"00000000000000000000000000000009","name":"prod","pg_version":17,\
      "start":"0/1000","created":"2026-11-22T10:11:12.500Z",\
      "properties":{"a":"b","system_identifier":"7575"}}]}}
      """
          .formatted("a57bf1fb");

  @TempDir private Path directory;

  private static TenantManifest read(byte[] bytes) throws IOException {
    return TenantManifest.read(bytes, TENANT, "manifest");
  }

  @Test
  void readsAndWritesFormatOne() throws IOException {
    assertThat(new String(MANIFEST.bytes(), StandardCharsets.UTF_8)).isEqualTo(FORMAT_ONE);
    assertThat(read(FORMAT_ONE.getBytes(StandardCharsets.UTF_8))).isEqualTo(MANIFEST);
    assertThat(MANIFEST.timelines()).as("in the order of their ids").containsExactly(BRANCH, ROOT);
  }

  @Test
  void refusesWhatIsNewerOrOfAnotherTenant() throws IOException {
    ObjectNode json = (ObjectNode) CheckedJson.read(MANIFEST.bytes(), "manifest");
    assertThatThrownBy(() -> read(CheckedJson.bytes(json.put("format", 2))))
        .isInstanceOf(UnusableFileException.class)
        .hasMessage("manifest has format 2; this version of Varve reads up to 1");
    json.put("format", 1);
    assertThatThrownBy(
            () -> TenantManifest.read(CheckedJson.bytes(json), new TenantId(1, 3), "manifest"))
        .isInstanceOf(UnusableFileException.class)
        .hasMessage("manifest is damaged: it is of tenant " + TENANT);
    json.withArray("timelines").addAll(json.withArray("timelines").deepCopy());
    assertThatThrownBy(() -> read(CheckedJson.bytes(json)))
        .isInstanceOf(UnusableFileException.class)
        .hasMessage("manifest is damaged: timeline " + BRANCH.id() + " is there twice");
  }

  @Test
  void noticesTruncationAndFlippedBits() throws IOException {
    byte[] whole = MANIFEST.bytes();
    for (int length = 0; length < whole.length - 1; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> read(part)).isInstanceOf(UnusableFileException.class);
    }
    for (int bit = 0; bit < (whole.length - 1) * 8; bit += 3) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> read(flipped))
          .as("bit %d", bit)
          .isInstanceOf(UnusableFileException.class)
          .hasMessage("manifest is damaged: its checksum is wrong");
    }
  }

  @Test
  void theDirectoryRemembersItsGeneration() throws IOException {
    var files = new TenantFiles(directory);
    assertThat(files.record(TENANT)).isEqualTo(TenantRecord.of(TENANT));
    Path file = directory.resolve("tenants").resolve(TENANT.toString()).resolve("tenant.json");
    var record =
        new TenantRecord(
            TENANT, new Generation(0x1F), true, new TenantConfiguration(Map.of("a", "b")));
    files.write(record);
    assertThat(files.record(TENANT)).isEqualTo(record);
    assertThat(Files.readString(file))
        .isEqualTo(
            """
            {"crc32c":"%s","content":{"format":1,"tenant":"00000000000000010000000000000002",\
            "generation":"0000001f","manifest":true,"configuration":{"a":"b"}}}
            """
                .formatted("41005d69"));
    // As versions wrote it that did not note the manifest, and as it is before there is one.
    var before = new TenantRecord(TENANT, record.generation(), false, record.settings());
    files.write(before);
    assertThat(files.record(TENANT)).isEqualTo(before);
    assertThat(files.tenants()).containsExactly(TENANT);
    assertThat(Files.readString(file))
        .isEqualTo(
            """
            {"crc32c":"%s","content":{"format":1,"tenant":"00000000000000010000000000000002",\
            "generation":"0000001f","configuration":{"a":"b"}}}
            """
                .formatted("14735314"));
    Files.writeString(file, Files.readString(file).replace("1f", "2f"));
    assertThatThrownBy(() -> files.record(TENANT))
        .isInstanceOf(UnusableFileException.class)
        .hasMessage(file + " is damaged: its checksum is wrong");
  }
}
