package dev.varve.postgres.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.ServerParameters;
import dev.varve.postgres.wal.WalException;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RareRecordsTest {

  private static Payload payload(int major, int info, String hex) {
    return new Payload(
        PgVersion.ofMajor(major),
        "test",
        info,
        MemorySegment.ofArray(HexFormat.of().parseHex(hex)),
        0x100);
  }

  @Test
  void readsRecordsOfTheLogItself() {
    assertThat(XlogRecord.read(payload(17, 0x30, "37400000")))
        .isEqualTo(new XlogRecord.NextOid(16439));
    assertThat(XlogRecord.read(payload(17, 0x40, ""))).isEqualTo(new XlogRecord.Switch());
    assertThat(XlogRecord.read(payload(17, 0x50, "2800000400000000")))
        .isEqualTo(new XlogRecord.BackupEnd(0x0400_0028));
    assertThat(
            XlogRecord.read(
                payload(17, 0x60, "64000000080000000a0000000a00000040000000020000000001a3c3")))
        .isEqualTo(
            new XlogRecord.ParameterChange(
                new ServerParameters(100, 8, 10, 10, 64, 2, false, true)));
    assertThat(XlogRecord.read(payload(17, 0x80, "01")))
        .isEqualTo(new XlogRecord.FullPageWrites(true));
    assertThat(XlogRecord.read(payload(17, 0xE0, "02000000")))
        .isEqualTo(new XlogRecord.CheckpointRedo(2));
    assertThat(XlogRecord.read(payload(14, 0xD0, "28000004000000000100000000000000")))
        .isEqualTo(new XlogRecord.OverwriteContrecord(0x0400_0028, 1));
    assertThat(XlogRecord.read(payload(14, 0xA0, ""))).isEqualTo(new XlogRecord.PageImages(true));
  }

  @Test
  void readsTheEndOfRecoveryOfEachVersion() {
    String short16 = "fa77c706e20303000200000001000000";
    assertThat(XlogRecord.read(payload(16, 0x90, short16)))
        .isEqualTo(new XlogRecord.EndOfRecovery(0x000303E206C777FAL, 2, 1, -1));
    assertThat(XlogRecord.read(payload(17, 0x90, short16 + "0200000000000000")))
        .isEqualTo(new XlogRecord.EndOfRecovery(0x000303E206C777FAL, 2, 1, 2));
    assertThatExceptionOfType(WalException.class)
        .isThrownBy(() -> XlogRecord.read(payload(17, 0x90, short16)));
  }

  @ParameterizedTest
  @CsvSource({"14, 07000000", "16, 07000000", "17, 0700000000000000", "18, 0700000000000000"})
  void readsPageNumbersAsWideAsTheVersionHasThem(int major, String page) {
    assertThat(CommitLogRecord.read(payload(major, 0x00, page)))
        .isEqualTo(new CommitLogRecord.ZeroPage(7));
    assertThat(CommitLogRecord.read(payload(major, 0x10, page + "d202000005000000")))
        .isEqualTo(new CommitLogRecord.Truncate(7, 722, 5));
    assertThat(CommitTimestampRecord.read(payload(major, 0x00, page)))
        .isEqualTo(new CommitTimestampRecord.ZeroPage(7));
    assertThat(CommitTimestampRecord.read(payload(major, 0x10, page + "d2020000")))
        .isEqualTo(new CommitTimestampRecord.Truncate(7, 722));
    assertThat(MultixactRecord.read(payload(major, 0x00, page)))
        .isEqualTo(new MultixactRecord.ZeroOffsetsPage(7));
    assertThat(MultixactRecord.read(payload(major, 0x10, page)))
        .isEqualTo(new MultixactRecord.ZeroMembersPage(7));
  }

  @Test
  void readsMultixacts() {
    var create =
        (MultixactRecord.Create)
            MultixactRecord.read(
                payload(17, 0x20, "0100000001000000020000000f030000010000001003000000000000"));
    assertThat(create.multi()).isEqualTo(1);
    assertThat(create.offset()).isEqualTo(1);
    assertThat(create.count()).isEqualTo(2);
    assertThat(create.xid(0)).isEqualTo(783);
    assertThat(create.status(0)).isEqualTo(1);
    assertThat(create.xid(1)).isEqualTo(784);
    assertThat(create.status(1)).isZero();
    assertThat(MultixactRecord.read(payload(14, 0x30, "0500000001000000020000000300000004000000")))
        .isEqualTo(new MultixactRecord.Truncate(5, 1, 2, 3, 4));
  }

  @Test
  void readsStorage() {
    assertThat(StorageRecord.read(payload(14, 0x10, "7f06000005000000001d000001000000")))
        .isEqualTo(new StorageRecord.Create(1663, 5, 7424, 1));
    assertThat(StorageRecord.read(payload(14, 0x20, "090000007f06000005000000001d000005000000")))
        .isEqualTo(new StorageRecord.Truncate(9, 1663, 5, 7424, true, false, true));
  }

  @Test
  void readsDatabasesAsTheVersionNumbersThem() {
    assertThat(DatabaseRecord.read(payload(14, 0x10, "10400000010000007f060000")))
        .isEqualTo(new DatabaseRecord.Drop(16400, List.of(1663)));
    assertThat(DatabaseRecord.read(payload(15, 0x10, "104000007f060000")))
        .isEqualTo(new DatabaseRecord.CreateWalLog(16400, 1663));
    assertThat(DatabaseRecord.read(payload(15, 0x20, "10400000010000007f060000")))
        .isEqualTo(new DatabaseRecord.Drop(16400, List.of(1663)));
    assertThat(DatabaseRecord.read(payload(18, 0x00, "104000007f060000010000007f060000")))
        .isEqualTo(new DatabaseRecord.CreateFileCopy(16400, 1663, 1, 1663));
  }

  @Test
  void readsOriginsAndRunningTransactions() {
    assertThat(OriginRecord.read(payload(17, 0x00, "999900000000000001000194997f0000")))
        .isEqualTo(new OriginRecord.Set(1, 0x9999, true));
    assertThat(OriginRecord.read(payload(17, 0x10, "0100"))).isEqualTo(new OriginRecord.Drop(1));
    RunningTransactions running =
        RunningTransactions.read(
            payload(17, 0x10, "0100000001000000000000000503000002030000030300000203000004030000"));
    assertThat(running.nextXid()).isEqualTo(0x305);
    assertThat(running.oldestRunningXid()).isEqualTo(0x302);
    assertThat(running.latestCompletedXid()).isEqualTo(0x303);
    assertThat(running.topLevelCount()).isEqualTo(1);
    assertThat(running.count()).isEqualTo(2);
    assertThat(running.xid(1)).isEqualTo(0x304);
    assertThat(running.subtransactionsMissing()).isFalse();
  }

  /// The corpus has what its workload did: the values prove the layout in each version.
  @ParameterizedTest
  @EnumSource
  void readsWhatTheWorkloadDid(PgVersion version) {
    List<Object> records =
        RecordCorpus.of(version).stream()
            .filter(record -> record.isDecoded() && record.rmgr() != 1)
            .map(RecordCorpus::decode)
            .toList();
    assertThat(records)
        .contains(new OriginRecord.Set(1, 0x9999, true), new OriginRecord.Drop(1))
        .anyMatch(record ->
            record instanceof TablespaceRecord.Create create
                && create.location().startsWith("/tmp/pgfiles/ts/" + version.major()))
        .anyMatch(record ->
            record instanceof XlogRecord.RestorePoint point && point.name().equals("here"))
        .anyMatch(record ->
            record instanceof XlogRecord.EndOfRecovery end
                && end.tli() == 2
                && end.previousTli() == 1
                && end.walLevel() == (version.isAtLeast(PgVersion.V17) ? 2 : -1))
        .anyMatch(record ->
            record instanceof XlogRecord.Checkpoint checkpoint
                && checkpoint.shutdown()
                && checkpoint.checkPoint().tli() == 1)
        .anyMatch(record ->
            record instanceof StorageRecord.Truncate truncate
                && truncate.blocks() == 9
                && truncate.main())
        .anyMatch(DatabaseRecord.Drop.class::isInstance)
        .anyMatch(DatabaseRecord.CreateFileCopy.class::isInstance)
        .anyMatch(RelationMapRecord.class::isInstance)
        .anyMatch(MultixactRecord.Create.class::isInstance)
        .contains(new CommitTimestampRecord.ZeroPage(2), new CommitLogRecord.ZeroPage(1));
  }
}
