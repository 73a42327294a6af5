package dev.varve.postgres.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BackupFilesTest {

  private static final String LABEL =
      """
      START WAL LOCATION: 2/4000028 (file 000000010000000200000004)
      CHECKPOINT LOCATION: 2/4000060
      BACKUP METHOD: streamed
      BACKUP FROM: primary
      START TIME: 2026-11-22 20:05:07 UTC
      LABEL: pg_basebackup base backup
      START TIMELINE: 3
      """;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void readsABackupLabel() {
    assertThat(BackupLabel.parse(bytes(LABEL)))
        .isEqualTo(
            new BackupLabel(
                Lsn.parse("2/4000028"),
                Lsn.parse("2/4000060"),
                3,
                false,
                "pg_basebackup base backup"));
    assertThat(BackupLabel.parse(bytes(LABEL.replace("primary", "standby"))).fromStandby())
        .isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"START WAL LOCATION", "CHECKPOINT LOCATION", "BACKUP FROM", "START TIMELINE"})
  void refusesABackupLabelThatLacksALine(String line) {
    assertThatExceptionOfType(PageserverException.DataCorrupted.class)
        .isThrownBy(() -> BackupLabel.parse(bytes(LABEL.replace(line, "X"))))
        .withMessageContaining(line);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2/4000028", "2/4000060", "TIMELINE: 3"})
  void refusesABackupLabelWithADamagedNumber(String number) {
    String damaged = LABEL.replace(number, number.substring(0, number.length() - 1) + "!");
    assertThatExceptionOfType(PageserverException.DataCorrupted.class)
        .isThrownBy(() -> BackupLabel.parse(bytes(damaged)));
  }

  @Test
  void refusesAnIncrementalBackup() {
    assertThatExceptionOfType(PageserverException.InvalidRequest.class)
        .isThrownBy(() -> BackupLabel.parse(bytes(LABEL + "INCREMENTAL FROM LSN: 0/2000028\n")))
        .withMessageContaining("pg_combinebackup");
  }

  @Test
  void readsAndWritesTablespaceMaps() {
    Map<Integer, String> folders = new LinkedHashMap<>();
    folders.put(16424, "/srv/spc one");
    folders.put(-1, "/srv/with\nnewline\\and\rmore");
    byte[] map = TablespaceMap.toBytes(folders);
    assertThat(new String(map, StandardCharsets.UTF_8))
        .isEqualTo("16424 /srv/spc one\n4294967295 /srv/with\\\nnewline\\\\and\\\rmore\n");
    assertThat(TablespaceMap.parse(map)).isEqualTo(folders);
    assertThat(TablespaceMap.parse(bytes("16424 /a\r\n16425 /b")))
        .isEqualTo(Map.of(16424, "/a", 16425, "/b"));
    assertThat(TablespaceMap.parse(new byte[0])).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"16424", "16424 ", "x /srv", "0 /srv", "16424 /a\n16424 /b", "16424 /a\\"})
  void refusesADamagedTablespaceMap(String text) {
    assertThatExceptionOfType(PageserverException.DataCorrupted.class)
        .isThrownBy(() -> TablespaceMap.parse(bytes(text)));
  }

  @Test
  void readsAndWritesHistories() {
    String text = "1\t0/3000000\tno recovery target specified\n\n# said\n2\t0/5000158\tat time\n";
    TimelineHistory history = TimelineHistory.parse(bytes(text));
    assertThat(history.entries())
        .containsExactly(
            new TimelineHistory.Entry(1, new Lsn(0x300_0000), "no recovery target specified"),
            new TimelineHistory.Entry(2, new Lsn(0x500_0158), "at time"));
    TimelineHistory branch = history.branch(3, new Lsn(0x1_0000_0000L), "branch x");
    assertThat(new String(branch.toBytes(), StandardCharsets.UTF_8))
        .isEqualTo(
            """
            1\t0/3000000\tno recovery target specified
            2\t0/5000158\tat time
            3\t1/0\tbranch x
            """);
    assertThat(TimelineHistory.parse(branch.toBytes())).isEqualTo(branch);
    assertThat(TimelineHistory.fileName(10)).isEqualTo("0000000A.history");
    assertThat(TimelineHistory.parseFileName("0000000A.history")).hasValue(10);
    assertThat(TimelineHistory.parseFileName("0000000a.history")).isEmpty();
    assertThat(TimelineHistory.parseFileName("000000010.history")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1",
        "x\t0/0\ty",
        "1\t0-0\ty",
        "2\t0/1\ty\n1\t0/2\tz",
        "1\t0/2\ty\n2\t0/1\tz",
        "0\t0/1"
      })
  void refusesADamagedHistory(String text) {
    assertThatExceptionOfType(PageserverException.DataCorrupted.class)
        .isThrownBy(() -> TimelineHistory.parse(bytes(text)));
  }

  @Test
  void aHistoryDoesNotGoBack() {
    TimelineHistory history = new TimelineHistory(List.of()).branch(2, new Lsn(100), "a");
    assertThatIllegalArgumentException().isThrownBy(() -> history.branch(2, new Lsn(200), "b"));
    assertThatIllegalArgumentException().isThrownBy(() -> history.branch(3, new Lsn(50), "b"));
    assertThatIllegalArgumentException().isThrownBy(() -> history.branch(3, new Lsn(500), "b\nc"));
  }

  private static byte[] manifest(String body) throws Exception {
    byte[] head = bytes(body);
    String sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(head));
    return bytes(body + "\"Manifest-Checksum\": \"" + sum + "\"}\n");
  }

  private static final String MANIFEST =
      """
      { "PostgreSQL-Backup-Manifest-Version": 2,
      "System-Identifier": 7711089405202866053,
      "Files": [
      { "Path": "base/5/\\"WAL-Ranges\\": [", "Size": 8192, "Last-Modified": "2026-11-22" },
      { "Encoded-Path": "ff", "Size": 0, "Deeper": {"a": [1, true, null, -1.5e+3, {}, []]} }
      ],
      "WAL-Ranges": [
      { "Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/3000000" },
      { "Timeline": 2, "Start-LSN": "0/3000000", "End-LSN": "0/30000F8" }
      ],
      """;

  @Test
  void readsTheWalOfAManifest() throws Exception {
    assertThat(BackupManifest.parse(manifest(MANIFEST)).walRanges())
        .containsExactly(
            new BackupManifest.WalRange(1, new Lsn(0x200_0028), new Lsn(0x300_0000)),
            new BackupManifest.WalRange(2, new Lsn(0x300_0000), new Lsn(0x300_00F8)));
  }

  @Test
  void refusesADamagedManifest() throws Exception {
    byte[] manifest = manifest(MANIFEST);
    for (int length = 0; length < manifest.length - 4; length++) {
      byte[] cut = Arrays.copyOf(manifest, length);
      assertThatExceptionOfType(PageserverException.DataCorrupted.class)
          .as("cut to %d", length)
          .isThrownBy(() -> BackupManifest.parse(cut));
    }
    int sum = manifest.length - 3;
    for (int bit = 0; bit < sum * 8; bit++) {
      byte[] flipped = manifest.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatExceptionOfType(PageserverException.DataCorrupted.class)
          .as("bit %d", bit)
          .isThrownBy(() -> BackupManifest.parse(flipped));
    }
  }

  /// With a right checksum, but wrong inside: nothing but an orderly failure.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\n",
        "{ \"Files\": [],\n",
        "{ \"WAL-Ranges\": [],\n",
        "{ \"WAL-Ranges\": [{\"Timeline\": 1}],\n",
        "{ \"WAL-Ranges\": [{\"Timeline\": 1, \"Start-LSN\": \"0/1\", \"End-LSN\": \"x\"}],\n",
        "{ \"WAL-Ranges\": {},\n",
        "[\n",
        "{ \"a\" 1,\n",
        "{ \"a\": \"\\\n",
        "{ \"a\": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]],\n",
      })
  void refusesAManifestThatIsNone(String body) throws Exception {
    byte[] manifest = manifest(body);
    assertThatExceptionOfType(PageserverException.DataCorrupted.class)
        .isThrownBy(() -> BackupManifest.parse(manifest));
  }
}
