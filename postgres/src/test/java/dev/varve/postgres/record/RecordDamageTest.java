package dev.varve.postgres.record;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RecordDamageTest {

  private static Stream<RecordCorpus> decoded(PgVersion version) {
    return RecordCorpus.of(version).stream().filter(RecordCorpus::isDecoded);
  }

  @ParameterizedTest
  @EnumSource
  void readsEveryRecordOfARealLog(PgVersion version) {
    assertThat(decoded(version).peek(RecordCorpus::decode)).hasSizeGreaterThan(60);
  }

  @ParameterizedTest
  @EnumSource
  void refusesARecordThatIsCutAnywhere(PgVersion version) {
    decoded(version)
        .forEach(record -> {
          for (long length = 0; length < record.data().byteSize(); length++) {
            var cut = record.with(record.data().asSlice(0, length));
            assertThatExceptionOfType(WalException.class)
                .as("%s cut to %d", record, length)
                .isThrownBy(cut::decode)
                .matches(e -> e.lsn() == record.lsn());
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void refusesARecordThatIsTooLong(PgVersion version) {
    decoded(version)
        .filter(record -> record.data().byteSize() > 0 && record.rmgr() != 5)
        .forEach(record -> {
          byte[] longer = new byte[(int) record.data().byteSize() + 1];
          MemorySegment.copy(record.data(), JAVA_BYTE, 0, longer, 0, longer.length - 1);
          var changed = record.with(MemorySegment.ofArray(longer));
          assertThatExceptionOfType(WalException.class)
              .as("%s and a byte", record)
              .isThrownBy(changed::decode);
        });
  }

  /// The log's CRC guards against flipped bits; what is left to the decoders is not to read
  /// elsewhere, loop or allocate at will.
  @ParameterizedTest
  @EnumSource
  void survivesEveryFlippedBit(PgVersion version) {
    decoded(version)
        .forEach(record -> {
          byte[] bytes = record.data().toArray(JAVA_BYTE);
          var changed = record.with(MemorySegment.ofArray(bytes));
          for (int bit = 0; bit < bytes.length * 8; bit++) {
            bytes[bit / 8] ^= (byte) (1 << bit % 8);
            tryToDecode(changed);
            bytes[bit / 8] ^= (byte) (1 << bit % 8);
          }
        });
  }

  private static void tryToDecode(RecordCorpus record) {
    try {
      assertThat(record.decode()).isNotNull();
    } catch (WalException e) {
      assertThat(e.lsn()).isEqualTo(record.lsn());
    }
  }

  @Test
  void refusesTypesThatAVersionDoesNotHave() {
    MemorySegment nothing = MemorySegment.ofArray(new byte[16]);
    List<Runnable> reads =
        List.of(
            () -> XlogRecord.read(new Payload(PgVersion.V16, "XLOG", 0xE0, nothing, 8)),
            () -> XlogRecord.read(new Payload(PgVersion.V18, "XLOG", 0xC0, nothing, 8)),
            () -> DatabaseRecord.read(new Payload(PgVersion.V14, "Database", 0x20, nothing, 8)),
            () -> CommitLogRecord.read(new Payload(PgVersion.V17, "CLOG", 0x20, nothing, 8)),
            () -> StorageRecord.read(new Payload(PgVersion.V17, "Storage", 0x00, nothing, 8)));
    assertThat(reads)
        .allSatisfy(read ->
            assertThatExceptionOfType(WalException.class)
                .isThrownBy(read::run)
                .withMessageContaining("0/8")
                .withMessageContaining("does not write"));
  }
}
