package dev.varve.datadir.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.OtherFile;
import dev.varve.datadir.TestTimelines;
import dev.varve.datadir.restore.BaseBackup;
import dev.varve.postgres.PgVersion;
import dev.varve.timeline.Timeline;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.SplittableRandom;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that are kept as they are.
class OtherFilesTest {

  @TempDir Path folder;
  private TestTimelines timelines;
  private Timeline timeline;

  @BeforeEach
  void open() throws IOException {
    timelines = new TestTimelines(folder);
    timeline = timelines.create("main", PgVersion.V17, CraftedBackup.START);
  }

  @AfterEach
  void close() throws IOException {
    timelines.close();
  }

  private static CraftedBackup backup() {
    return CraftedBackup.stopped(PgVersion.V17);
  }

  private ImportSummary load(byte[] tar) throws IOException {
    try (var files = new BackupImport(timeline, ImportProgress.NONE)) {
      files.tar(new ByteArrayInputStream(tar), 0, true);
      return files.finish();
    }
  }

  private DataDirectory view() {
    timeline.markImported(CraftedBackup.START);
    return DataDirectory.at(timeline, CraftedBackup.START);
  }

  @Test
  void aFileOfMoreThanAGibibyteIsLeftOutAndSaid() throws IOException {
    try (var files = new BackupImport(timeline, ImportProgress.NONE)) {
      files.tar(new ByteArrayInputStream(backup().tar()), 0, true);
      files.file(0, "dump.sql", (1L << 30) + 1, InputStream.nullInputStream());
      assertThat(files.finish().warnings())
          .singleElement()
          .asString()
          .contains("dump.sql of 1073741825 bytes was left out: it has more than 1 GiB");
    }
  }

  @Test
  void textIsKeptAsItIs() throws IOException {
    load(backup().file("pg_hba.conf", "local all all trust # ä\n").tar());
    assertThat(new String(contents(view(), "pg_hba.conf"), StandardCharsets.UTF_8))
        .isEqualTo("local all all trust # ä\n");
  }

  private static byte[] contents(DataDirectory view, String path) throws IOException {
    var contents = new ByteArrayOutputStream();
    OtherFile file = view.otherFile(path).orElseThrow();
    view.copy(file, contents);
    assertThat(file.size()).isEqualTo(contents.size());
    return contents.toByteArray();
  }

  /// A revocation list may be large, and without it the server does not start.
  @ParameterizedTest
  @ValueSource(ints = {0, 1 << 20, (1 << 20) + 1, 20 << 20})
  void aFileOfAnySizeIsKept(int size) throws IOException {
    byte[] bytes = new byte[size];
    new SplittableRandom(size).nextBytes(bytes);
    ImportSummary summary =
        load(
            backup()
                .file("certs/root.crl", bytes)
                .file("core.4711", bytes)
                .file("serverlogs/today.log", bytes)
                .file("autoprewarm.blocks", bytes)
                .tar());
    assertThat(summary.warnings()).isEmpty();
    DataDirectory view = view();
    assertThat(view.otherFiles().stream().map(OtherFile::path)).containsExactly("certs/root.crl");
    assertThat(contents(view, "certs/root.crl")).isEqualTo(bytes);
    var restored = new ByteArrayOutputStream();
    BaseBackup.of(timeline, view.lsn(), Instant.EPOCH).write(restored);
    try (var entries =
        new TarArchiveInputStream(new ByteArrayInputStream(restored.toByteArray()))) {
      TarArchiveEntry entry = entries.getNextEntry();
      while (!entry.getName().equals("certs/root.crl")) {
        entry = entries.getNextEntry();
      }
      assertThat(entries.readAllBytes()).isEqualTo(bytes);
    }
  }
}
