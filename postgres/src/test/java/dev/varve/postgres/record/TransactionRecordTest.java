package dev.varve.postgres.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TransactionRecordTest {

  /// ROLLBACK PREPARED 'gid-two' of a transaction of 18.6 that had made a table in a
  /// subtransaction.
  private static final String ROLLBACK_PREPARED =
      "a42ad2c3e1030300" // time
          + "d7010000" // has database, subtransactions, relations, prepared xid, locks, name,
          // statistics
          + "050000007f060000" // database 5, tablespace 1663
          + "01000000fc020000" // subtransaction 764
          + "010000007f0600000500000011400000" // relation 16401
          + "0100000002000000050000001140000000000000" // statistics
          + "fb020000" // transaction 763
          + "6769642d74776f00"; // gid-two

  private static TransactionRecord parse(PgVersion version, int info, String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    var record = new TransactionRecord();
    record.parse(version, MemorySegment.ofArray(bytes), 0, bytes.length, info, 42, 0x1000);
    return record;
  }

  @Test
  void readsTheEndOfAPreparedTransaction() {
    TransactionRecord record = parse(PgVersion.V18, 0xC1, ROLLBACK_PREPARED);
    assertThat(record.isCommit()).isFalse();
    assertThat(record.isPrepared()).isTrue();
    assertThat(record.xid()).isEqualTo(763);
    assertThat(record.time()).isEqualTo(0x000303E1C3D22AA4L);
    assertThat(record.database()).isEqualTo(5);
    assertThat(record.subtransactionCount()).isEqualTo(1);
    assertThat(record.subtransaction(0)).isEqualTo(764);
    assertThat(record.relationCount()).isEqualTo(1);
    assertThat(record.tablespace(0)).isEqualTo(1663);
    assertThat(record.database(0)).isEqualTo(5);
    assertThat(record.relation(0)).isEqualTo(16401);
    assertThat(record.name()).isEqualTo("gid-two");
    assertThat(record.hasOrigin()).isFalse();
  }

  /// The item of a dropped statistics entry has 12 bytes in 15 to 17.
  @Test
  void statisticsAreAsLongAsTheVersionHasThem() {
    String shorter = ROLLBACK_PREPARED.replace("1140000000000000fb", "11400000fb");
    assertThat(parse(PgVersion.V17, 0xC1, shorter).name()).isEqualTo("gid-two");
    assertThatExceptionOfType(WalException.class)
        .isThrownBy(() -> parse(PgVersion.V17, 0xC1, ROLLBACK_PREPARED));
    assertThatExceptionOfType(WalException.class)
        .isThrownBy(() -> parse(PgVersion.V14, 0xC1, shorter))
        .withMessageContaining("unknown parts");
  }

  @Test
  void readsTheShortestCommit() {
    TransactionRecord record = parse(PgVersion.V14, 0x00, "0100000000000000");
    assertThat(record.isCommit()).isTrue();
    assertThat(record.isPrepared()).isFalse();
    assertThat(record.xid()).isEqualTo(42);
    assertThat(record.time()).isEqualTo(1);
    assertThat(record.database()).isZero();
    assertThat(record.name()).isEmpty();
    assertThat(record.staleRelationCache()).isFalse();
  }

  @Test
  void forgetsTheRecordBefore() {
    byte[] bytes = HexFormat.of().parseHex(ROLLBACK_PREPARED);
    var record = new TransactionRecord();
    record.parse(PgVersion.V18, MemorySegment.ofArray(bytes), 0, bytes.length, 0xC1, 0, 8);
    record.parse(PgVersion.V18, MemorySegment.ofArray(new byte[8]), 0, 8, 0x00, 7, 16);
    assertThat(record.isCommit()).isTrue();
    assertThat(record.xid()).isEqualTo(7);
    assertThat(record.subtransactionCount()).isZero();
    assertThat(record.relationCount()).isZero();
    assertThat(record.name()).isEmpty();
  }

  @Test
  void refusesAPreparedEndThatNamesNoTransaction() {
    assertThatExceptionOfType(WalException.class)
        .isThrownBy(() -> parse(PgVersion.V17, 0x30, "0100000000000000"))
        .withMessageContaining("which prepared transaction");
  }

  @ParameterizedTest
  @EnumSource
  void readsWhatTheWorkloadDid(PgVersion version) {
    List<TransactionRecord> ends =
        RecordCorpus.of(version).stream()
            .filter(record -> record.rmgr() == 1 && TransactionRecord.isEnd(record.info()))
            .map(RecordCorpus::end)
            .toList();
    // begin; insert; savepoint; insert; savepoint; insert; drop table; commit
    assertThat(ends)
        .anyMatch(
            end -> end.isCommit() && end.subtransactionCount() == 2 && end.relationCount() == 1);
    // begin; create table; insert; savepoint; insert; rollback
    assertThat(ends)
        .anyMatch(end -> !end.isCommit() && !end.isPrepared() && end.relationCount() == 1);
    assertThat(ends).anyMatch(end -> end.isCommit() && end.name().equals("gid-one"));
    assertThat(ends).anyMatch(end -> !end.isCommit() && end.name().equals("gid-two"));
    // pg_replication_origin_xact_setup('0/1234', '2024-01-01') and, prepared, '0/1236'
    long year2024 = 757_382_400_000_000L;
    assertThat(ends).anyMatch(end -> end.originLsn() == 0x1234 && end.originTime() == year2024);
    assertThat(ends).anyMatch(end -> end.name().equals("gid-three") && end.originLsn() == 0x1236);
    assertThat(ends).allMatch(end -> end.time() > year2024);
  }

  @Test
  void allocatesNothing() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    byte[] bytes = HexFormat.of().parseHex(ROLLBACK_PREPARED);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    var record = new TransactionRecord();
    long sum = 0;
    for (int i = 0; i < 100_000; i++) {
      sum += parseOnce(record, segment);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 100_000; i++) {
      sum += parseOnce(record, segment);
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(100_000);
    assertThat(sum).isEqualTo(200_000L * (763 + 764 + 16401));
  }

  private static long parseOnce(TransactionRecord record, MemorySegment bytes) {
    record.parse(PgVersion.V18, bytes, 0, (int) bytes.byteSize(), 0xC1, 1, 8);
    return (long) record.xid() + record.subtransaction(0) + record.relation(0);
  }
}
