package dev.varve.postgres.record;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class PreparedTransactionTest {

  /// A file of `pg_twophase` of a real server of the version.
  private static byte[] file(PgVersion version) throws Exception {
    try (InputStream file =
        PreparedTransactionTest.class.getResourceAsStream("/twophase/" + version.major())) {
      return file.readAllBytes();
    }
  }

  @ParameterizedTest
  @EnumSource
  void readsAndWritesTheFileOfARealServer(PgVersion version) throws Exception {
    byte[] file = file(version);
    var prepared = PreparedTransaction.readFile(version, MemorySegment.ofArray(file));
    assertThat(prepared.name()).isEqualTo("stays");
    assertThat(prepared.xid()).isGreaterThan(33_000);
    assertThat(prepared.subtransactionCount()).isEqualTo(1);
    assertThat(prepared.subtransaction(0)).isEqualTo(prepared.xid() + 1);
    assertThat(prepared.owner()).isEqualTo(10);
    assertThat(prepared.originLsn()).isZero();
    assertThat(prepared.toFile()).isEqualTo(file);
  }

  /// What the log has is the file without its checksum.
  @ParameterizedTest
  @EnumSource
  void readsTheRecords(PgVersion version) {
    List<PreparedTransaction> prepared =
        RecordCorpus.of(version).stream()
            .filter(record -> record.rmgr() == 1 && TransactionRecord.isPrepare(record.info()))
            .map(RecordCorpus::prepared)
            .toList();
    assertThat(prepared)
        .extracting(PreparedTransaction::name)
        .contains("gid-one", "gid-two", "gid-three");
    PreparedTransaction third =
        prepared.stream().filter(p -> p.name().equals("gid-three")).findFirst().orElseThrow();
    assertThat(third.originLsn()).isEqualTo(0x1235);
    assertThat(third.originTime()).isEqualTo(757_382_400_000_000L);
    var read = PreparedTransaction.readFile(version, MemorySegment.ofArray(third.toFile()));
    assertThat(read.bytes().mismatch(third.bytes())).isEqualTo(-1);
  }

  @ParameterizedTest
  @EnumSource
  void refusesAFileThatIsCutAnywhere(PgVersion version) throws Exception {
    MemorySegment file = MemorySegment.ofArray(file(version));
    for (long length = 0; length < file.byteSize(); length++) {
      MemorySegment cut = file.asSlice(0, length);
      assertThatExceptionOfType(PageserverException.DataCorrupted.class)
          .as("cut to %d", length)
          .isThrownBy(() -> PreparedTransaction.readFile(version, cut));
    }
  }

  @ParameterizedTest
  @EnumSource
  void refusesAFileWithAFlippedBit(PgVersion version) throws Exception {
    byte[] file = file(version);
    MemorySegment segment = MemorySegment.ofArray(file);
    for (int bit = 0; bit < file.length * 8; bit++) {
      file[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatExceptionOfType(PageserverException.DataCorrupted.class)
          .as("bit %d", bit)
          .isThrownBy(() -> PreparedTransaction.readFile(version, segment));
      file[bit / 8] ^= (byte) (1 << bit % 8);
    }
    assertThat(segment.toArray(JAVA_BYTE)).isEqualTo(file(version));
  }

  @Test
  void namesFilesAsTheVersionDoes() {
    assertThat(PreparedTransaction.fileName(PgVersion.V16, 0x5_0000_030BL)).isEqualTo("0000030B");
    assertThat(PreparedTransaction.fileName(PgVersion.V17, 0x5_0000_030BL))
        .isEqualTo("000000050000030B");
  }

  @ParameterizedTest
  @CsvSource({
    "700,        0x00000310, 0x000002bc",
    "0xfffffff0, 0x500000310, 0x4fffffff0",
    "0x30f,      0x500000310, 0x50000030f",
    "0xf0000000, 0x5f0000010, 0x5f0000000",
  })
  void findsTheEpoch(String xid, String next, String full) {
    assertThat(PreparedTransaction.fullXid(Long.decode(xid).intValue(), Long.decode(next)))
        .isEqualTo(Long.decode(full));
  }

  @Test
  void thereIsNoEpochBeforeTheFirst() {
    assertThatIllegalArgumentException().isThrownBy(() -> PreparedTransaction.fullXid(-16, 0x310));
  }
}
