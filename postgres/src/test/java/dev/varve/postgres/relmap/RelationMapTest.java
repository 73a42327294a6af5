package dev.varve.postgres.relmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The maps in `src/test/resources/relmap` are of the database `postgres` of clusters that ran
/// 14.24, 15.19, 16.15, 17.11 and 18.6, after a `VACUUM FULL pg_class`.
class RelationMapTest {

  private static final int PG_CLASS = 1259;
  private static final int PG_PROC = 1255;

  private static byte[] bytes(PgVersion version) throws Exception {
    try (InputStream file =
        RelationMapTest.class.getResourceAsStream("/relmap/" + version.major())) {
      return file.readAllBytes();
    }
  }

  @ParameterizedTest
  @EnumSource
  void readsTheMapOfARealServer(PgVersion version) throws Exception {
    byte[] bytes = bytes(version);
    assertThat(bytes).hasSize(RelationMap.bytes(version));
    RelationMap map = RelationMap.parse(version, MemorySegment.ofArray(bytes));
    assertThat(map.size()).isBetween(15, 30);
    assertThat(map.find(PG_CLASS)).isGreaterThan(16_384);
    assertThat(map.find(PG_PROC)).isEqualTo(PG_PROC);
    assertThat(map.find(16_384)).isZero();
    assertThat(map.catalog(0)).isNotZero();
    assertThat(map.find(map.catalog(3))).isEqualTo(map.relation(3));
    assertThat(map.toBytes()).isEqualTo(bytes);
    assertThatIllegalArgumentException().isThrownBy(() -> map.catalog(map.size()));
  }

  @ParameterizedTest
  @EnumSource
  void refusesAMapThatIsCutAnywhere(PgVersion version) throws Exception {
    MemorySegment file = MemorySegment.ofArray(bytes(version));
    for (long length = 0; length < file.byteSize(); length++) {
      MemorySegment cut = file.asSlice(0, length);
      assertThatExceptionOfType(PageserverException.DataCorrupted.class)
          .isThrownBy(() -> RelationMap.parse(version, cut));
    }
  }

  /// Only the padding at the end of the older versions' file may change unseen.
  @ParameterizedTest
  @EnumSource
  void refusesEveryFlippedBit(PgVersion version) throws Exception {
    byte[] bytes = bytes(version);
    MemorySegment file = MemorySegment.ofArray(bytes);
    int covered = version.isAtLeast(PgVersion.V16) ? 524 : 508;
    for (int bit = 0; bit < covered * 8; bit++) {
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatExceptionOfType(PageserverException.DataCorrupted.class)
          .as("bit %d", bit)
          .isThrownBy(() -> RelationMap.parse(version, file));
      bytes[bit / 8] ^= (byte) (1 << bit % 8);
    }
  }
}
