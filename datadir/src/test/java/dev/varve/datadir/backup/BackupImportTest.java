package dev.varve.datadir.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.Database;
import dev.varve.datadir.OtherFile;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.ReplicationOrigin;
import dev.varve.datadir.SlruSegment;
import dev.varve.datadir.Tablespace;
import dev.varve.datadir.TestTimelines;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.DataFiles;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.page.Checksum;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.slru.Slru;
import dev.varve.timeline.Timeline;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Files of a backup into a timeline.
class BackupImportTest {

  private static final RelationFork TABLE = new RelationFork(1663, 5, 16384, 0);
  private static final long SEGMENT = 1L << 30;

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

  private ImportSummary load(byte[] tar) throws IOException {
    try (var files = new BackupImport(timeline, ImportProgress.NONE)) {
      files.tar(new ByteArrayInputStream(tar), 0, true);
      return files.finish();
    }
  }

  /// The directory as the files alone make it.
  private DataDirectory view() {
    timeline.markImported(CraftedBackup.START);
    return DataDirectory.at(timeline, CraftedBackup.START);
  }

  private static CraftedBackup backup() {
    return CraftedBackup.stopped(PgVersion.V17);
  }

  private static byte[] pages(int... marks) {
    byte[] bytes = new byte[marks.length * Page.SIZE];
    for (int i = 0; i < marks.length; i++) {
      System.arraycopy(CraftedRecord.page(marks[i]), 0, bytes, i * Page.SIZE, Page.SIZE);
      Checksum.put(MemorySegment.ofArray(bytes).asSlice((long) i * Page.SIZE, Page.SIZE), i);
    }
    return bytes;
  }

  private static int mark(DataDirectory view, RelationFork fork, int block) {
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    view.page(fork, block, page);
    return page.get(PgLayout.INT, Page.SIZE - 4L);
  }

  @Test
  void everyKindOfFileFindsItsPlace() throws IOException {
    String inTablespace = "pg_tblspc/16500/" + DataFiles.tablespaceFolder(PgVersion.V17) + "/5/300";
    ImportSummary summary =
        load(
            backup()
                .file("base/5/16384", pages(1, 2, 3))
                .file("base/5/16384_vm", pages(9))
                .file("global/1262", pages(4))
                .file(inTablespace, pages(5))
                .file("pg_xact/0001", new byte[3 * Page.SIZE])
                .file("pg_multixact/members/14078", new byte[Page.SIZE])
                .file("postgresql.conf", "port = 1\n")
                .file("conf.d/more.conf", "x = 2\n")
                .file("postmaster.pid", "4711")
                .file("pg_stat/pgstat.stat", "stat")
                .file("base/5/t3_16390", pages(8))
                .file("base/5/pg_internal.init", "cache")
                .link("pg_tblspc/16400", "/mnt/ssd")
                .tar());
    assertThat(summary.warnings()).isEmpty();
    assertThat(summary.pages()).isEqualTo(6);
    DataDirectory view = view();
    assertThat(view.blocks(TABLE)).isEqualTo(3);
    assertThat(mark(view, TABLE, 2)).isEqualTo(3);
    assertThat(mark(view, TABLE.withFork(RelationFork.VISIBILITY_MAP), 0)).isEqualTo(9);
    assertThat(mark(view, new RelationFork(1664, 0, 1262, 0), 0)).isEqualTo(4);
    assertThat(mark(view, new RelationFork(16500, 5, 300, 0), 0)).isEqualTo(5);
    assertThat(view.exists(new RelationFork(1663, 5, 16390, 0))).isFalse();
    // A database's folder in another tablespace has no PG_VERSION.
    assertThat(view.databases())
        .containsExactly(new Database(1663, 5, "17\n"), new Database(16_500, 5, ""));
    assertThat(view.slruSegments(Slru.CLOG)).containsExactly(new SlruSegment(Slru.CLOG, 1, 3));
    assertThat(view.slruSegments(Slru.MULTIXACT_MEMBERS))
        .containsExactly(new SlruSegment(Slru.MULTIXACT_MEMBERS, 0x14078, 1));
    assertThat(view.tablespaces())
        .containsExactly(new Tablespace(16400, "/mnt/ssd"), new Tablespace(16500, ""));
    assertThat(view.otherFiles().stream().map(OtherFile::path))
        .containsExactlyInAnyOrder("postgresql.conf", "conf.d/more.conf");
    assertThat(view.checkPoint().nextXid()).isEqualTo(700);
    assertThat(view.control().state()).isNotNull();
  }

  @Test
  void aRelationOfManyFilesIsOne_pitfall9() throws IOException {
    byte[] first = new byte[(int) (SEGMENT / 64)];
    try (var files = new BackupImport(timeline, ImportProgress.NONE)) {
      // In no order; the first file as PostgreSQL fills it, in zeroes.
      files.file(0, "base/5/16384.1", 2 * Page.SIZE, new ByteArrayInputStream(pages(7, 8)));
      files.file(0, "base/5/16384", SEGMENT, repeated(first, 64));
      files.file(0, "base/5/16384.3", Page.SIZE, new ByteArrayInputStream(pages(1)));
      put(files, backup());
      files.finish();
    }
    DataDirectory view = view();
    assertThat(view.blocks(TABLE)).as("up to the first file that is not full").isEqualTo(131_074);
    assertThat(mark(view, TABLE, 131_072)).isEqualTo(7);
    assertThat(mark(view, TABLE, 131_073)).isEqualTo(8);
    assertThat(mark(view, TABLE, 100_000)).isZero();
  }

  private static InputStream repeated(byte[] bytes, int times) {
    return new SequenceInputStream(
        Collections.enumeration(
            IntStream.range(0, times)
                .mapToObj(_ -> (InputStream) new ByteArrayInputStream(bytes))
                .toList()));
  }

  private static void put(BackupImport files, CraftedBackup backup) throws IOException {
    files.tar(new ByteArrayInputStream(backup.tar()), 0, true);
  }

  @Test
  void ofAnUnloggedRelationOnlyTheInitForkIsTaken_pitfall23() throws IOException {
    load(
        backup()
            .file("base/5/16384", pages(1))
            .file("base/5/16384_vm", pages(2))
            .file("base/5/16384_init", new byte[0])
            .tar());
    DataDirectory view = view();
    assertThat(view.exists(TABLE)).isFalse();
    assertThat(view.exists(TABLE.withFork(RelationFork.VISIBILITY_MAP))).isFalse();
    assertThat(view.exists(TABLE.withFork(RelationFork.INIT))).isTrue();
  }

  @Test
  void aTornLastPageIsFilledUp() throws IOException {
    load(backup().file("base/5/16384", Arrays.copyOf(pages(1, 2), 12_000)).tar());
    DataDirectory view = view();
    assertThat(view.blocks(TABLE)).isEqualTo(2);
    assertThat(mark(view, TABLE, 1)).isZero();
  }

  @Test
  void wrongChecksumsOfPagesFromBeforeTheBackupAreReported() throws IOException {
    ControlFile control = ControlFile.parse(MemorySegment.ofArray(controlOf(backup())));
    control.setDataChecksumVersion(1);
    byte[] pages = pages(1, 2, 3, 4);
    pages[Page.SIZE + 4000] ^= 1; // block 1: damaged
    MemorySegment torn = MemorySegment.ofArray(pages).asSlice(2L * Page.SIZE, Page.SIZE);
    Page.setLsn(torn, CraftedBackup.START.value() + 8); // block 2: written during the backup
    Arrays.fill(pages, 3 * Page.SIZE, 4 * Page.SIZE, (byte) 0); // block 3: new
    ImportSummary summary =
        load(
            backup()
                .file("base/5/16384", pages)
                .file("global/pg_control", control.toBytes())
                .tar());
    assertThat(summary.warnings())
        .singleElement()
        .asString()
        .contains("1 pages have wrong checksums")
        .contains("1663/5/16384 block 1");
  }

  @Test
  void withoutChecksumsNothingIsReported() throws IOException {
    byte[] pages = pages(1);
    pages[4000] ^= 1;
    assertThat(load(backup().file("base/5/16384", pages).tar()).warnings()).isEmpty();
  }

  private static byte[] controlOf(CraftedBackup backup) throws IOException {
    try (var tar = new BackupTar(new ByteArrayInputStream(backup.tar()))) {
      var entry = tar.getNextEntry();
      while (!entry.getName().equals("global/pg_control")) {
        entry = tar.getNextEntry();
      }
      return tar.readAllBytes();
    }
  }

  @Test
  void aTarThatIsCutOffAnywhereIsRefused() throws IOException {
    byte[] tar = backup().file("base/5/16384", pages(1)).tar();
    int contents = tar.length;
    while (tar[contents - 1] == 0) {
      contents--;
    }
    for (int length = 0; length < contents; length += 511) {
      byte[] part = Arrays.copyOf(tar, length);
      assertThatThrownBy(() -> load(part))
          .as("%d bytes", length)
          .satisfiesAnyOf(
              e -> assertThat(e).isInstanceOf(IOException.class),
              e -> assertThat(e).isInstanceOf(PageserverException.class));
    }
    assertThat(load(tar).pages()).isEqualTo(1);
  }

  @Test
  void withoutTheControlFileABackupIsNotWhole() {
    assertThatThrownBy(() -> load(backup().without("global/pg_control").tar()))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("global/pg_control");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../etc/passwd", "base/../../x", "base//5/1", "a\\b"})
  void namesThatLeadElsewhereAreRefused(String name) {
    assertThatThrownBy(() -> load(backup().file(name, "x").tar()))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("no path of a file in a data directory");
  }

  @Test
  void filesThatCannotBeRightAreRefused() {
    refused(backup().file("PG_VERSION", "16\n"), "PostgreSQL 16");
    refused(
        CraftedBackup.stopped(PgVersion.V16)
            .file("PG_VERSION", "17")
            .file("base/5/PG_VERSION", "17"),
        "PostgreSQL 16");
    refused(backup().file("pg_xact/0000", new byte[33 * Page.SIZE]), "pg_xact");
    refused(
        backup().file("pg_filenode.map", "x").file("base/5/pg_filenode.map", new byte[2 << 20]),
        "too many");
    refused(
        backup()
            .file(
                "backup_label",
                """
                START WAL LOCATION: 0/9000028 (file 000000010000000000000009)
                CHECKPOINT LOCATION: 0/9000060
                BACKUP METHOD: streamed
                BACKUP FROM: primary
                START TIMELINE: 1
                """),
        "starts at 0/9000028");
  }

  private void refused(CraftedBackup backup, String message) {
    assertThatThrownBy(() -> load(backup.tar()))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining(message);
  }

  @Test
  void aFileThatComesTwiceIsRefused() throws IOException {
    try (var files = new BackupImport(timeline, ImportProgress.NONE)) {
      for (String path : List.of("base/5/16384", "pg_xact/0000", "postgresql.conf")) {
        byte[] contents = new byte[Page.SIZE];
        files.file(0, path, contents.length, new ByteArrayInputStream(contents));
        assertThatThrownBy(
                () -> files.file(0, path, contents.length, new ByteArrayInputStream(contents)))
            .isInstanceOf(PageserverException.InvalidRequest.class)
            .hasMessageContaining("twice");
      }
    }
  }

  @Test
  void whatIsLeftOutIsSaid() throws IOException {
    ImportSummary summary =
        load(
            backup()
                .file("conf.d/" + "x".repeat(1100), new byte[1])
                .file("pg_twophase/00000000000002BC", new byte[10])
                .link("elsewhere", "/tmp")
                .tar());
    assertThat(summary.warnings())
        .hasSize(3)
        .anyMatch(w -> w.contains("of 1 bytes was left out: its path is too long"))
        .anyMatch(w -> w.contains("prepared transaction 700"))
        .anyMatch(w -> w.contains("elsewhere"));
  }

  @Test
  void replicationOriginsAreRead() throws IOException {
    var origin = new ReplicationOrigin(2, new Lsn(0x1234), CraftedBackup.START);
    load(backup().file(OriginsFile.PATH, OriginsFile.toBytes(List.of(origin))).tar());
    assertThat(view().replicationOrigins()).containsExactly(origin);
    byte[] damaged = OriginsFile.toBytes(List.of(origin));
    damaged[9] ^= 1;
    assertThatThrownBy(() -> OriginsFile.parse(damaged, Lsn.ZERO))
        .isInstanceOf(PageserverException.DataCorrupted.class);
  }

  @Test
  void tablespacesInPlaceHaveNoPath() throws IOException {
    try (var files = new BackupImport(timeline, ImportProgress.NONE)) {
      files.tablespace(16600, "pg_tblspc/16600");
      files.tablespace(16601, "/mnt/pg_tblspc/1");
      put(files, backup());
      files.finish();
    }
    assertThat(view().tablespaces())
        .containsExactly(new Tablespace(16600, ""), new Tablespace(16601, "/mnt/pg_tblspc/1"));
  }

  @Test
  void anImportThatIsNotFinishedLeavesNothing() throws IOException {
    try (var files = new BackupImport(timeline, ImportProgress.NONE)) {
      put(files, backup().file("base/5/16384", pages(1)));
    }
    load(backup().file("base/5/16385", pages(1)).tar());
    assertThat(view().exists(TABLE)).isFalse();
  }

  @Test
  void progressTellsBytesAndFiles() throws IOException {
    long[] last = new long[2];
    try (var files =
        new BackupImport(
            timeline,
            (bytes, count) -> {
              assertThat(bytes).isGreaterThanOrEqualTo(last[0]);
              last[0] = bytes;
              last[1] = count;
            })) {
      put(files, backup().file("base/5/16384", pages(1, 2)));
      ImportSummary summary = files.finish();
      assertThat(last).containsExactly(summary.bytes(), summary.files());
      assertThat(summary.bytes()).isEqualTo(2 * Page.SIZE + ControlFile.BYTES + 6);
    }
  }
}
