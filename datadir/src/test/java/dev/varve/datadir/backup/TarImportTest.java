package dev.varve.datadir.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.CraftedLog;
import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.TestTimelines;
import dev.varve.datadir.ingest.Records;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Backups on a disk, with the WAL that they need or without.
class TarImportTest {

  private static final RelationFork TABLE = new RelationFork(1663, 5, 16384, 0);
  private static final String SEGMENT = "000000010000000000000003";

  private static final String LABEL =
      """
      START WAL LOCATION: 0/300000 (file 000000010000000000000003)
      CHECKPOINT LOCATION: 0/300028
      BACKUP METHOD: streamed
      BACKUP FROM: primary
      START TIMELINE: 1
      """;

  @TempDir Path folder;
  private TestTimelines timelines;
  private final CraftedLog log = new CraftedLog(PgVersion.V17, CraftedBackup.START.value());

  @BeforeEach
  void open() throws IOException {
    timelines = new TestTimelines(folder.resolve("store"));
  }

  @AfterEach
  void close() throws IOException {
    timelines.close();
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  /// What was added to the log, as a whole segment.
  private byte[] segment() {
    return Arrays.copyOf(log.since(CraftedBackup.START.value()), CraftedLog.SEGMENT_SIZE);
  }

  private static CraftedBackup backup() {
    return CraftedBackup.stopped(PgVersion.V17);
  }

  private static CraftedRecord image(int block) {
    return new CraftedRecord(0, 0xB0).image(0, TABLE, block, CraftedRecord.page(block + 1));
  }

  private static CraftedRecord checkPoint() {
    var checkPoint = new CheckPoint(PgVersion.V17);
    checkPoint.setNextXid(700);
    checkPoint.setTli(1);
    checkPoint.setPreviousTli(1);
    return Records.checkPoint(true, checkPoint);
  }

  private static CraftedRecord backupEnd() {
    return new CraftedRecord(0, 0x50).main(8, b -> b.putLong(CraftedBackup.START.value()));
  }

  private TarImport.Result run(TarImport backup) throws IOException {
    Timeline timeline = timelines.create("main", backup.version(), backup.start());
    return backup.run(timeline, folder, ImportProgress.NONE);
  }

  private DataDirectory at(Lsn lsn) {
    return DataDirectory.at(timelines.find("main"), lsn);
  }

  @Test
  void aStoppedServerIsReadableFromItsLastRecord() throws IOException {
    long last = log.add(checkPoint());
    Path tar = write("copy.tar", backup().file("pg_wal/" + SEGMENT, segment()).tar());
    TarImport.Result result = run(TarImport.open(tar, null));
    assertThat(result.readableFrom()).isEqualTo(new Lsn(last));
    assertThat(result.end()).isEqualTo(new Lsn(last));
    assertThat(result.walEnd()).isEmpty();
    assertThat(folder).isDirectoryNotContaining("glob:**/wal*");
  }

  @Test
  void walBeyondTheBackupIsTakenInAsFarAsItIsWhole() throws IOException {
    log.add(checkPoint());
    log.add(image(0));
    long end = log.add(backupEnd());
    log.add(image(1));
    long last = log.add(image(2));
    byte[] bytes = segment();
    Path wal = Files.createDirectory(folder.resolve("archive"));
    // What a recycled segment has behind the end of the log: pages of an older log.
    Arrays.fill(bytes, (int) (last - CraftedBackup.START.value()) + 20_000, bytes.length, (byte) 7);
    Files.write(wal.resolve(SEGMENT), bytes);
    Path tar = write("base.tar", backup().file("backup_label", LABEL).tar());
    TarImport backup = TarImport.open(tar, wal);
    assertThat(backup.start()).isEqualTo(CraftedBackup.START);
    assertThat(backup.tli()).isEqualTo(1);
    TarImport.Result result = run(backup);
    assertThat(result.readableFrom()).isEqualTo(new Lsn(end));
    assertThat(result.end()).isEqualTo(new Lsn(last));
    assertThat(at(new Lsn(end)).blocks(TABLE)).isEqualTo(1);
    assertThat(at(new Lsn(last)).blocks(TABLE)).isEqualTo(3);
  }

  @Test
  void aDamagedRecordBeyondTheBackupEndsItAndIsSaid() throws IOException {
    log.add(checkPoint());
    long end = log.add(backupEnd());
    log.add(image(1));
    byte[] bytes = segment();
    bytes[(int) (end - CraftedBackup.START.value()) + 100] ^= 1;
    Path tar =
        write(
            "base.tar",
            backup().file("backup_label", LABEL).file("pg_wal/" + SEGMENT, bytes).tar());
    TarImport.Result result = run(TarImport.open(tar, null));
    assertThat(result.end()).isEqualTo(new Lsn(end));
    assertThat(result.walEnd()).hasValueSatisfying(w -> assertThat(w).contains("checksum"));
  }

  @Test
  void walThatEndsBeforeTheBackupIsRefused() throws IOException {
    log.add(checkPoint());
    log.add(image(0));
    Path tar =
        write(
            "base.tar",
            backup().file("backup_label", LABEL).file("pg_wal/" + SEGMENT, segment()).tar());
    TarImport backup = TarImport.open(tar, null);
    assertThatThrownBy(() -> run(backup))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("the WAL of the backup is not whole");
    assertThatThrownBy(() -> at(CraftedBackup.START).blocks(TABLE))
        .isInstanceOf(PageserverException.class);
  }

  @Test
  void walThatIsMissingIsRefused() throws IOException {
    Path tar = write("base.tar", backup().file("backup_label", LABEL).tar());
    TarImport backup = TarImport.open(tar, null);
    assertThatThrownBy(() -> run(backup))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("ends at 0/300000");
  }

  @Test
  void whatIsNoBackupIsRefused() throws IOException {
    Path none = folder.resolve("none.tar");
    assertThatThrownBy(() -> TarImport.open(none, null))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("there is no file");
    Path empty = write("empty.tar", backup().without("global/pg_control").tar());
    assertThatThrownBy(() -> TarImport.open(empty, null))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("no base backup");
    Path text = write("text.tar", new byte[10]);
    assertThatThrownBy(() -> TarImport.open(text, null)).isInstanceOf(IOException.class);
    byte[] whole = backup().tar();
    Path cut = write("cut.tar", Arrays.copyOf(whole, 9500));
    assertThatThrownBy(() -> TarImport.open(cut, null)).isInstanceOf(IOException.class);
    Path tar = write("good.tar", whole);
    assertThatThrownBy(() -> TarImport.open(tar, folder.resolve("nowhere")))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("there is no folder");
  }

  @Test
  void aCopyOfARunningServerWithoutALabelIsRefused() throws IOException {
    var control = CraftedTimeline.controlFile(PgVersion.V17);
    Path tar = write("live.tar", backup().file("global/pg_control", control.toBytes()).tar());
    assertThatThrownBy(() -> TarImport.open(tar, null))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("pg_basebackup");
  }

  @Test
  void theManifestSaysWhereTheBackupEnds() throws IOException {
    log.add(checkPoint());
    long end = log.add(image(0));
    log.add(image(1));
    Path tar =
        write(
            "base.tar",
            backup().file("backup_label", LABEL).file("pg_wal/" + SEGMENT, segment()).tar());
    Files.write(folder.resolve("backup_manifest"), manifest(new Lsn(end)));
    TarImport.Result result = run(TarImport.open(tar, null));
    assertThat(result.readableFrom()).isEqualTo(new Lsn(end));
    assertThat(result.end()).isGreaterThan(new Lsn(end));
  }

  private static byte[] manifest(Lsn end) {
    String body =
        """
        { "PostgreSQL-Backup-Manifest-Version": 1,
        "Files": [],
        "WAL-Ranges": [
        { "Timeline": 1, "Start-LSN": "0/300000", "End-LSN": "%s" }
        ],
        """
            .formatted(end);
    return (body + "\"Manifest-Checksum\": \"" + sha256(body) + "\"}\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
