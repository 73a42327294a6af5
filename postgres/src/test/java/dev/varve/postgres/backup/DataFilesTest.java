package dev.varve.postgres.backup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.DataFile.RelationSegment;
import dev.varve.postgres.slru.Slru;
import dev.varve.postgres.wal.SegmentName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DataFilesTest {

  private final DataFiles files = new DataFiles(PgVersion.V17);

  @ParameterizedTest
  @CsvSource({
    "base/5/1259, 1663, 5, 1259, 0, 0",
    "./base/5/1259, 1663, 5, 1259, 0, 0",
    "base/5/1259_fsm, 1663, 5, 1259, 1, 0",
    "base/5/1259_vm, 1663, 5, 1259, 2, 0",
    "base/5/16400_init, 1663, 5, 16400, 3, 0",
    "base/5/16400.1, 1663, 5, 16400, 0, 1",
    "base/5/16400.32767, 1663, 5, 16400, 0, 32767",
    "base/5/16400_fsm.12, 1663, 5, 16400, 1, 12",
    "base/4294967295/4294967295, 1663, -1, -1, 0, 0",
    "global/1262, 1664, 0, 1262, 0, 0",
    "global/1262_vm, 1664, 0, 1262, 2, 0",
    "pg_tblspc/16424/PG_17_202406281/16426/1259_vm.2, 16424, 16426, 1259, 2, 2",
  })
  void knowsRelations(String path, int tablespace, int database, int rel, int fork, int segment) {
    assertThat(files.of(path))
        .isEqualTo(new RelationSegment(tablespace, database, rel, fork, segment));
  }

  @Test
  void knowsFilesOfATablespaceByItself() {
    assertThat(files.ofTablespace(16424, "PG_17_202406281/16426/1259"))
        .isEqualTo(new RelationSegment(16424, 16426, 1259, 0, 0));
    assertThat(files.ofTablespace(16424, "PG_17_202406281/16426/PG_VERSION"))
        .isEqualTo(new DataFile.VersionFile(16424, 16426));
    assertThat(files.ofTablespace(16424, "PG_17_202406281/16426/pg_filenode.map"))
        .isEqualTo(new DataFile.RelationMapFile(16424, 16426));
  }

  /// Clusters of two versions may share a tablespace's folder.
  @Test
  void ignoresAnotherVersionsFolderInATablespace() {
    String path = "PG_16_202307071/16426/1259";
    assertThat(files.ofTablespace(16424, path)).isInstanceOf(DataFile.Ignored.class);
    assertThat(new DataFiles(null).ofTablespace(16424, path))
        .isEqualTo(new RelationSegment(16424, 16426, 1259, 0, 0));
    assertThat(new DataFiles(null).ofTablespace(16424, "PG_13_202007201/16426/1259"))
        .isInstanceOf(DataFile.Ignored.class);
  }

  @Test
  void knowsTheOtherFiles() {
    assertThat(files.of("global/pg_control")).isEqualTo(new DataFile.Control());
    assertThat(files.of("PG_VERSION")).isEqualTo(new DataFile.VersionFile(0, 0));
    assertThat(files.of("base/5/PG_VERSION")).isEqualTo(new DataFile.VersionFile(1663, 5));
    assertThat(files.of("global/pg_filenode.map")).isEqualTo(new DataFile.RelationMapFile(1664, 0));
    assertThat(files.of("base/5/pg_filenode.map")).isEqualTo(new DataFile.RelationMapFile(1663, 5));
    assertThat(files.of("pg_xact/0000")).isEqualTo(new DataFile.SlruSegment(Slru.CLOG, 0));
    assertThat(files.of("pg_multixact/members/14078"))
        .isEqualTo(new DataFile.SlruSegment(Slru.MULTIXACT_MEMBERS, 82040));
    assertThat(files.of("pg_multixact/offsets/00FF"))
        .isEqualTo(new DataFile.SlruSegment(Slru.MULTIXACT_OFFSETS, 255));
    assertThat(files.of("pg_commit_ts/0002"))
        .isEqualTo(new DataFile.SlruSegment(Slru.COMMIT_TS, 2));
    assertThat(files.of("pg_wal/00000001000000020000000A"))
        .isEqualTo(new DataFile.WalSegment(new SegmentName(1, 2, 10)));
    assertThat(files.of("pg_wal/0000000A.history")).isEqualTo(new DataFile.TimelineHistoryFile(10));
    assertThat(files.of("backup_label")).isEqualTo(new DataFile.Label());
    assertThat(files.of("tablespace_map")).isEqualTo(new DataFile.TablespaceMapFile());
    assertThat(files.of("backup_manifest")).isEqualTo(new DataFile.Manifest());
  }

  @Test
  void knowsPreparedTransactionsByTheVersionsNames() {
    assertThat(files.of("pg_twophase/0000000500000311"))
        .isEqualTo(new DataFile.TwoPhase(0x5_0000_0311L));
    assertThat(files.of("pg_twophase/00000311")).isInstanceOf(DataFile.Ignored.class);
    assertThat(new DataFiles(PgVersion.V16).of("pg_twophase/00000311"))
        .isEqualTo(new DataFile.TwoPhase(0x311));
    assertThat(new DataFiles(PgVersion.V16).of("pg_twophase/0000000500000311"))
        .isInstanceOf(DataFile.Ignored.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "postgresql.conf",
        "postgresql.auto.conf",
        "pg_hba.conf",
        "pg_ident.conf",
        "conf.d/more.conf",
        "server.crt",
        "pg_logical/replorigin_checkpoint",
        "pg_logical/snapshots/0-1234.snap",
      })
  void keepsWhatItDoesNotKnow(String path) {
    assertThat(files.of(path)).isEqualTo(new DataFile.Other(path));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "base/5/t3_1234",
        "base/5/t3_1234_fsm.1",
        "base/5/pg_internal.init",
        "base/5/pg_internal.init.771",
        "base/5/0",
        "base/5/01234",
        "base/5/1234_",
        "base/5/1234_main",
        "base/5/1234.0",
        "base/5/1234.32768",
        "base/5/1234.4294967295",
        "base/5/4294967296",
        "base/5/1234.1.1",
        "base/pgsql_tmp/pgsql_tmp77.0",
        "base/pgsql_tmp77/x",
        "base/1234",
        "base/five/1234",
        "global/PG_VERSION",
        "global/pg_control.tmp",
        "pg_subtrans/0000",
        "pg_notify/000000000000000",
        "pg_stat/pgstat.stat",
        "pg_stat_tmp/global.stat",
        "pg_replslot/s/state",
        "pg_wal/archive_status/00000001000000020000000A.done",
        "pg_wal/summaries/0000000100000000010000280000000001000060.summary",
        "pg_wal/00000001000000020000000A.partial",
        "pg_wal/00000001000000020000000A.00000028.backup",
        "pg_xact/archive/0000",
        "pg_tblspc/16424/1259",
        "postmaster.pid",
        "postmaster.opts",
        "standby.signal",
        "recovery.signal",
        "backup_label.old",
        "log/postgresql.log",
        "core",
        "core.4711",
        "conf.d/core.postgres.4711",
      })
  void ignoresWhatACopyDoesNotNeed(String path) {
    assertThat(files.of(path)).isEqualTo(new DataFile.Ignored(path));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "/etc/passwd", "base/../../x", "a//b", "base/5/", "a\\b", "a\0b"})
  void refusesAPathThatLeadsElsewhere(String path) {
    assertThatExceptionOfType(PageserverException.InvalidRequest.class)
        .isThrownBy(() -> files.of(path));
  }
}
