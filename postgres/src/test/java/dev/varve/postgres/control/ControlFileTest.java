package dev.varve.postgres.control;

import static dev.varve.postgres.PgLayout.INT;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The control files in `src/test/resources/control` are of clusters that ran 14.24, 15.19, 16.15,
/// 17.11 and 18.6, and were stopped cleanly on their second PostgreSQL timeline.
class ControlFileTest {

  private static byte[] resource(String name) throws Exception {
    try (InputStream file = ControlFileTest.class.getResourceAsStream("/control/" + name)) {
      return file.readAllBytes();
    }
  }

  private static byte[] bytes(PgVersion version) throws Exception {
    return resource(Integer.toString(version.major()));
  }

  private static ControlFile parse(byte[] bytes) {
    return ControlFile.parse(MemorySegment.ofArray(bytes));
  }

  @ParameterizedTest
  @EnumSource
  void readsTheFileOfARealServer(PgVersion version) throws Exception {
    ControlFile file = parse(bytes(version));
    assertThat(file.version()).isEqualTo(version);
    assertThat(file.state()).isEqualTo(ClusterState.SHUT_DOWN);
    assertThat(file.walSegmentSize()).isEqualTo(16 << 20);
    assertThat(file.dataChecksumVersion()).isEqualTo(1);
    assertThat(file.unloggedLsn()).isEqualTo(1000);
    assertThat(file.minRecoveryPoint()).isZero();
    assertThat(file.backupEndRequired()).isFalse();
    assertThat(file.parameters())
        .isEqualTo(new ServerParameters(100, 8, 10, 10, 64, 2, false, true));
    CheckPoint checkPoint = file.checkPoint();
    assertThat(checkPoint.redo()).isEqualTo(file.checkPointLsn());
    assertThat(checkPoint.tli()).isEqualTo(2);
    assertThat(checkPoint.previousTli()).isEqualTo(2);
    assertThat(checkPoint.fullPageWrites()).isTrue();
    assertThat(checkPoint.nextXid()).isBetween(33_000L, 35_000L);
    assertThat(checkPoint.nextMulti()).isEqualTo(2);
    assertThat(checkPoint.nextMultiOffset()).isEqualTo(3);
    assertThat(checkPoint.oldestMultiDatabase()).isEqualTo(1);
    assertThat(checkPoint.oldestActiveXid()).isZero();
    assertThat(checkPoint.time()).isEqualTo(file.time());
    assertThat(checkPoint.hasWalLevel()).isEqualTo(version.major() >= 17);
    if (checkPoint.hasWalLevel()) {
      assertThat(checkPoint.walLevel()).isEqualTo(2);
    }
  }

  /// What PostgreSQL's own program prints of the same file.
  @Test
  void agreesWithPgControldata() throws Exception {
    Map<String, String> printed =
        new String(resource("15.pg_controldata"), StandardCharsets.UTF_8)
            .lines()
            .map(line -> line.split(":\\s*", 2))
            .collect(Collectors.toMap(line -> line[0].strip(), line -> line[1].strip()));
    ControlFile file = parse(bytes(PgVersion.V15));
    CheckPoint point = file.checkPoint();
    assertThat(printed)
        .containsEntry("Database system identifier", Long.toString(file.systemIdentifier()))
        .containsEntry("pg_control version number", Integer.toString(file.controlVersion()))
        .containsEntry("Catalog version number", Integer.toString(file.catalogVersion()))
        .containsEntry("Latest checkpoint location", Lsn.format(file.checkPointLsn()))
        .containsEntry("Latest checkpoint's REDO location", Lsn.format(point.redo()))
        .containsEntry("Latest checkpoint's NextXID", "0:" + point.nextXid())
        .containsEntry("Latest checkpoint's NextOID", Integer.toString(point.nextOid()))
        .containsEntry("Latest checkpoint's NextMultiXactId", "" + point.nextMulti())
        .containsEntry("Latest checkpoint's NextMultiOffset", "" + point.nextMultiOffset())
        .containsEntry("Latest checkpoint's oldestXID", "" + point.oldestXid())
        .containsEntry("Latest checkpoint's oldestXID's DB", "" + point.oldestXidDatabase())
        .containsEntry("Latest checkpoint's oldestMultiXid", "" + point.oldestMulti())
        .containsEntry("Latest checkpoint's oldestMulti's DB", "" + point.oldestMultiDatabase())
        .containsEntry(
            "Latest checkpoint's oldestCommitTsXid", "" + point.oldestCommitTimestampXid())
        .containsEntry(
            "Latest checkpoint's newestCommitTsXid", "" + point.newestCommitTimestampXid())
        .containsEntry("Fake LSN counter for unlogged rels", Lsn.format(file.unloggedLsn()));
  }

  @ParameterizedTest
  @EnumSource
  void writesWhatItReads(PgVersion version) throws Exception {
    assertThat(parse(bytes(version)).toBytes()).isEqualTo(bytes(version));
  }

  @ParameterizedTest
  @EnumSource
  void keepsWhatIsPatched(PgVersion version) throws Exception {
    ControlFile file = parse(bytes(version));
    file.setSystemIdentifier(0x1234_5678_9ABC_DEF0L);
    file.setState(ClusterState.IN_PRODUCTION);
    file.setTime(1);
    file.setCheckPointLsn(2);
    file.setUnloggedLsn(3);
    file.setMinRecoveryPoint(4, 5);
    file.setBackup(6, 7, true);
    var parameters = new ServerParameters(10, 11, 12, 13, 14, 1, true, false);
    file.setParameters(parameters);
    file.setWalSegmentSize(1 << 20);
    file.setDataChecksumVersion(0);
    CheckPoint point = patchedCheckPoint(version);
    file.setCheckPoint(point);

    ControlFile read = parse(file.toBytes());
    assertThat(read.systemIdentifier()).isEqualTo(0x1234_5678_9ABC_DEF0L);
    assertThat(read.state()).isEqualTo(ClusterState.IN_PRODUCTION);
    assertThat(read.time()).isEqualTo(1);
    assertThat(read.checkPointLsn()).isEqualTo(2);
    assertThat(read.unloggedLsn()).isEqualTo(3);
    assertThat(read.minRecoveryPoint()).isEqualTo(4);
    assertThat(read.minRecoveryPointTli()).isEqualTo(5);
    assertThat(read.backupStartPoint()).isEqualTo(6);
    assertThat(read.backupEndPoint()).isEqualTo(7);
    assertThat(read.backupEndRequired()).isTrue();
    assertThat(read.parameters()).isEqualTo(parameters);
    assertThat(read.walSegmentSize()).isEqualTo(1 << 20);
    assertThat(read.dataChecksumVersion()).isZero();
    assertThat(read.checkPoint()).isEqualTo(point).hasSameHashCodeAs(point);
  }

  private static CheckPoint patchedCheckPoint(PgVersion version) {
    var point = new CheckPoint(version);
    point.setRedo(101);
    point.setTli(102);
    point.setPreviousTli(103);
    point.setFullPageWrites(true);
    point.setNextXid(0x0000_0007_0000_0068L);
    point.setNextOid(105);
    point.setNextMulti(106);
    point.setNextMultiOffset(107);
    point.setOldestXid(108, 109);
    point.setOldestMulti(110, 111);
    point.setTime(112);
    point.setOldestCommitTimestampXid(113);
    point.setNewestCommitTimestampXid(114);
    point.setOldestActiveXid(115);
    return point;
  }

  /// The bytes of a checkpoint, written down.
  @Test
  void aCheckPointHasItsLayout() {
    CheckPoint point = patchedCheckPoint(PgVersion.V17);
    point.setWalLevel(2);
    assertThat(point.toBytes())
        .asHexString()
        .isEqualToIgnoringCase(
            "6500000000000000"
                + "66000000"
                + "67000000"
                + "01000000"
                + "02000000"
                + "6800000007000000"
                + "69000000"
                + "6A000000"
                + "6B000000"
                + "6C000000"
                + "6D000000"
                + "6E000000"
                + "6F000000"
                + "00000000"
                + "7000000000000000"
                + "71000000"
                + "72000000"
                + "73000000"
                + "00000000");
    CheckPoint read = CheckPoint.read(PgVersion.V17, MemorySegment.ofArray(point.toBytes()), 0);
    assertThat(read).isEqualTo(point);
    read.setOldestActiveXid(1);
    assertThat(read).isNotEqualTo(point);
  }

  @Test
  void onlyNewVersionsHaveTheWalLevelInTheCheckPoint() {
    assertThatIllegalStateException()
        .isThrownBy(() -> new CheckPoint(PgVersion.V16).setWalLevel(1));
  }

  @Test
  void aCheckPointOfAnotherVersionDoesNotFit() throws Exception {
    ControlFile file = parse(bytes(PgVersion.V16));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> file.setCheckPoint(new CheckPoint(PgVersion.V17)));
  }

  @ParameterizedTest
  @EnumSource
  void refusesAFileThatIsCutAnywhere(PgVersion version) throws Exception {
    MemorySegment file = MemorySegment.ofArray(bytes(version));
    for (long length = 0; length < file.byteSize(); length++) {
      MemorySegment cut = file.asSlice(0, length);
      assertThatExceptionOfType(PageserverException.DataCorrupted.class)
          .isThrownBy(() -> ControlFile.parse(cut));
    }
  }

  /// Every bit that the checksum covers, and the checksum's own; the rest of the file is padding.
  @ParameterizedTest
  @EnumSource
  void refusesEveryFlippedBit(PgVersion version) throws Exception {
    byte[] bytes = bytes(version);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    int used = version == PgVersion.V18 ? 296 : 292;
    for (int bit = 0; bit < used * 8; bit++) {
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatExceptionOfType(PageserverException.class)
          .as("bit %d", bit)
          .isThrownBy(() -> ControlFile.parse(segment));
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
    }
    assertThat(segment.asSlice(used).toArray(JAVA_BYTE)).containsOnly(0);
  }

  @Test
  void saysWhatABuildDoesDifferently() throws Exception {
    byte[] bytes = parse(bytes(PgVersion.V17)).toBytes();
    MemorySegment.ofArray(bytes).set(INT, 216, 32_768);
    var crc = new CRC32C();
    crc.update(bytes, 0, 288);
    MemorySegment.ofArray(bytes).set(INT, 288, (int) crc.getValue());
    assertThatExceptionOfType(PageserverException.InvalidRequest.class)
        .isThrownBy(() -> parse(bytes))
        .withMessageContaining("page size is 32768, but");
  }
}
