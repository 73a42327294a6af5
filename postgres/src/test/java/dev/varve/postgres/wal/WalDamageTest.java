package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

/// What each kind of damage is called, and where.
class WalDamageTest {

  private static final int PAGE = WalSegments.PAGE_SIZE;
  private static final int HEAP = ResourceManager.HEAP.id();
  private static final int FIRST = 40;

  private final CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 30).add(HEAP, 0, 40);
  private final int second = (int) (wal.lastStart() - wal.start());

  private AbstractThrowableAssert<?, ?> after(Consumer<MemorySegment> damage) {
    byte[] bytes = wal.toBytes();
    damage.accept(MemorySegment.ofArray(bytes));
    return assertThatThrownBy(
            () -> wal.decoder().feed(MemorySegment.ofArray(bytes), 0, bytes.length, _ -> {}))
        .isInstanceOf(WalException.class);
  }

  private AbstractThrowableAssert<?, ?> afterU16(int offset, int value) {
    return after(bytes -> bytes.set(WalRecord.U16, offset, (short) value));
  }

  private AbstractThrowableAssert<?, ?> afterU32(int offset, int value) {
    return after(bytes -> bytes.set(WalRecord.U32, offset, value));
  }

  private AbstractThrowableAssert<?, ?> afterU64(int offset, long value) {
    return after(bytes -> bytes.set(WalRecord.U64, offset, value));
  }

  /// The second record with its bytes changed and its checksum right again.
  private AbstractThrowableAssert<?, ?> resigned(Consumer<MemorySegment> change) {
    return after(bytes -> {
      int length = bytes.get(WalRecord.U32, second);
      byte[] record = bytes.asSlice(second, length).toArray(JAVA_BYTE);
      change.accept(MemorySegment.ofArray(record));
      CraftedWal.sign(record);
      MemorySegment.copy(MemorySegment.ofArray(record), 0, bytes, second, length);
    });
  }

  @Test
  void inAPageHeader() {
    afterU16(0, 0xD113)
        .hasMessage("WAL at 0/300000: the page has magic number D113, not that of PostgreSQL 17");
    afterU16(2, 0x12).hasMessageContaining("invalid info bits 0012");
    afterU16(2, 0).hasMessageContaining("invalid info bits 0000");
    afterU32(4, 0).hasMessageContaining("of PostgreSQL timeline 0 after 0");
    afterU64(8, 0x2300000).hasMessage("WAL at 0/300000: the page belongs at 0/2300000");
    afterU32(32, 16 << 20).hasMessageContaining("has 16777216 bytes in pages of 8192, not 1048576");
    afterU32(36, 4096).hasMessageContaining("pages of 4096");
    wal.fillTo(wal.start() + PAGE).add(HEAP, 0, 3);
    afterU16(PAGE + 2, 2).hasMessage("WAL at 0/302000: the page has invalid info bits 0002");
    afterU16(PAGE + 2, 1).hasMessageContaining("rest of a record that did not begin");
    wal.tli(5).fillTo(wal.start() + 2 * PAGE).add(HEAP, 0, 3);
    wal.tli(4).fillTo(wal.start() + 3 * PAGE).add(HEAP, 0, 3);
    after(_ -> {}).hasMessageContaining("of PostgreSQL timeline 4 after 5");
  }

  @Test
  void ofAnotherSystem() {
    byte[] bytes = wal.toBytes();
    assertThatThrownBy(() ->
            wal.decoder()
                .expectSystemId(42)
                .feed(MemorySegment.ofArray(bytes), 0, bytes.length, _ -> {}))
        .isInstanceOf(WalException.class)
        .hasMessageContaining("of the database system 81985529216486895, not of 42");
    wal.fillTo(wal.start() + CraftedWal.SEGMENT_SIZE).add(HEAP, 0, 3);
    afterU64(CraftedWal.SEGMENT_SIZE + 24, 42)
        .hasMessageContaining("database system 42, not of 8198");
  }

  @Test
  void inARecordsHeader() {
    String at = "WAL at 0/300060: ";
    afterU32(second, 23).hasMessage(at + "a record can't have 23 bytes");
    afterU32(second, -1).hasMessage(at + "a record can't have 4294967295 bytes");
    afterU32(second, (1020 << 20) + 1).hasMessageContaining("can't have 1069547521 bytes");
    afterU64(second + 8, 0x300020)
        .hasMessage(at + "the record follows the one at 0/300020, not the one at 0/300028");
    afterU64(FIRST + 8, 0x300028).hasMessageContaining("the record follows the one at 0/300028");
    afterU16(second + 16, 22 << 8).hasMessage(at + "invalid resource manager 22");
    afterU32(second + 20, 1).hasMessage(at + "incorrect checksum of a record of 66 bytes");
    after(bytes -> bytes.set(JAVA_BYTE, second + 30, (byte) 1))
        .hasMessage(at + "incorrect checksum of a record of 66 bytes");
  }

  @Test
  void ofALengthThatTheNextPageDenies() {
    wal.fillTo(wal.start() + PAGE - 32).add(HEAP, 0, 200);
    afterU32(PAGE + 16, 100)
        .hasMessage(
            "WAL at 0/301FE0: the record has 194 bytes on from 0/302000, but the page there says"
                + " 100");
    afterU16(PAGE + 2, 0).hasMessageContaining("but the page there begins with another");
    afterU32(PAGE - 32, 1 << 29).hasMessageContaining("has 536870880 bytes on from 0/302000");
  }

  @Test
  void customManagersAreOfVersion15AndLater() {
    var wal15 = new CraftedWal(PgVersion.V15, 1 << 20).add(200, 0, 3);
    wal15.decoder().feed(wal15.segment(), 0, wal15.toBytes().length, _ -> {});
    var wal14 = new CraftedWal(PgVersion.V14, 1 << 20).add(200, 0, 3);
    assertThatThrownBy(
            () -> wal14.decoder().feed(wal14.segment(), 0, wal14.toBytes().length, _ -> {}))
        .hasMessageContaining("invalid resource manager 200");
  }

  @Test
  void inThePiecesOfARecord() {

    resigned(bytes -> bytes.set(JAVA_BYTE, 24, (byte) 200))
        .hasMessageContaining("invalid piece 200");
    resigned(bytes -> bytes.set(JAVA_BYTE, 25, (byte) 41))
        .hasMessageContaining("announces 41 bytes of payload, but has 40");
    resigned(bytes -> bytes.set(JAVA_BYTE, 25, (byte) 39)).hasMessageContaining("announces 39");
    resigned(bytes -> bytes.set(JAVA_BYTE, 24, (byte) 254))
        .hasMessageContaining("bytes of payload, but has 37");
  }
}
