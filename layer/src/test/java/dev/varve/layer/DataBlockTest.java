package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Blocks without their checksums: what makes no sense is refused, and what is let in can be read.
class DataBlockTest {

  private static byte[] block(int versions, SplittableRandom random) {
    var builder = new DataBlockBuilder(1 << 20);
    long lower = 5;
    long lsn = 1000;
    for (int i = 0; i < versions; i++) {
      if (random.nextInt(3) == 0) {
        lower += 1 + random.nextInt(200);
      } else {
        lsn += 1 + random.nextInt(9000);
      }
      MemorySegment bytes = MemorySegment.ofArray(new byte[200]);
      long middle = i < versions / 2 ? 1L << 40 : -3;
      int flags = i % 4 == DataBlock.IMAGE ? 0 : i % 4;
      builder.add(7, middle, lower, lsn + i, flags, bytes, 0, random.nextInt(200));
    }
    int length = builder.finish();
    return Arrays.copyOf(builder.bytes(), length);
  }

  /// @return how many versions there are; fails when reading fails
  private static int readAll(DataBlock block) {
    var walk = new DataBlockWalk();
    walk.reset(block);
    int count = 0;
    while (walk.next()) {
      long end = (long) walk.offset() + walk.size();
      assertThat(end).isLessThanOrEqualTo(block.keySection());
      long lsn = walk.lsn();
      int[] found = {0};
      block.find(
          walk.upper,
          walk.middle,
          walk.lower,
          0,
          -1,
          (at, _, _, bytes) -> {
            found[0] += at == lsn && bytes.byteSize() == walk.size() ? 1 : 0;
            return false;
          });
      assertThat(found[0]).isEqualTo(lsn == -1 ? 0 : 1);
      count++;
    }
    return count;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void damagedBlocksAreRefusedOrCanBeRead(long seed) throws MalformedBlockException {
    byte[] good = block(40, new SplittableRandom(seed));
    DataBlock whole = DataBlock.of(good, good.length);
    assertThat(readAll(whole)).isEqualTo(40);
    int refused = 0;
    for (int bit = 8 * whole.keySection(); bit < 8 * good.length; bit++) {
      byte[] bad = good.clone();
      bad[bit / 8] ^= (byte) (1 << bit % 8);
      refused += readsOrRefuses(bad, bad.length) ? 0 : 1;
    }
    assertThat(refused).isGreaterThan(4 * (good.length - whole.keySection()));
    for (int length = 0; length < good.length; length++) {
      readsOrRefuses(good, length);
    }
  }

  private static boolean readsOrRefuses(byte[] bytes, int length) {
    DataBlock block;
    try {
      block = DataBlock.of(bytes, length);
    } catch (MalformedBlockException e) {
      return false;
    }
    readAll(block);
    return true;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void noiseIsRefusedOrCanBeRead(long seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] noise = new byte[DataBlock.TRAILER + random.nextInt(40)];
      random.nextBytes(noise);
      int section = random.nextInt(noise.length - DataBlock.TRAILER + 1);
      Encoding.putInt(noise, noise.length - 16, random.nextInt(3));
      Encoding.putInt(noise, noise.length - 12, section);
      noise[noise.length - DataBlock.TRAILER - section] = 0;
      readsOrRefuses(noise, noise.length);
    }
  }

  /// The layout, byte for byte: one key with two versions, of 1 and 2 bytes.
  @Test
  void standsInTheFileAsDescribed() {
    var builder = new DataBlockBuilder(100);
    MemorySegment bytes = MemorySegment.ofArray(new byte[] {(byte) 0xAA, (byte) 0xBB});
    builder.add(1, 2, 300, 0x1000, 3, bytes, 0, 1);
    builder.add(1, 2, 300, 0x1010, 0, bytes, 0, 2);
    int length = builder.finish();
    assertThat(HexFormat.of().formatHex(builder.bytes(), 0, length))
        .isEqualTo(
            "aa"
                + "aabb" // versions
                + "00"
                + "01"
                + "0200000000000000"
                + "ac02" // key
                + "02"
                + "04"
                + "03" // two versions, in 4 bytes, 3 bytes of versions
                + "10"
                + "08"
                + "10"
                + "07" // 0x1010 with 2 bytes, 0x1000 with 1
                + "01000000"
                + "13000000"
                + "0010000000000000");
  }

  @ParameterizedTest
  @CsvSource({"0, 00", "127, 7f", "128, 8001", "16383, ff7f", "-1, ffffffffffffffffff01"})
  void varintsAreAsDescribed(long value, String hex) throws MalformedBlockException {
    byte[] bytes = new byte[Encoding.LONGEST_VARINT];
    int length = Encoding.putVarint(bytes, 0, value);
    assertThat(HexFormat.of().formatHex(bytes, 0, length)).isEqualTo(hex);
    assertThat(Encoding.getVarint(bytes, 0)).isEqualTo(value);
    assertThat(Encoding.skipVarint(bytes, 0)).isEqualTo(length);
    var varints = new Varints();
    varints.reset(bytes, 0, length);
    assertThat(varints.next()).isEqualTo(value);
    varints.reset(bytes, 0, length - 1);
    assertThatThrownBy(varints::next).isInstanceOf(MalformedBlockException.class);
  }

  @Test
  void aNumberOfMoreThan64BitsIsRefused() {
    byte[] bytes = HexFormat.of().parseHex("ffffffffffffffffffff01");
    var varints = new Varints();
    varints.reset(bytes, 0, bytes.length);
    assertThatThrownBy(varints::next).hasMessageContaining("64 bits");
    byte[] tenth = HexFormat.of().parseHex("80808080808080808002");
    varints.reset(tenth, 0, tenth.length);
    assertThatThrownBy(varints::next).hasMessageContaining("64 bits");
  }

  @Test
  void anIndexOutOfOrderIsRefused() throws MalformedBlockException {
    var builder = new IndexBuilder(IndexBlock.LEAF_ENTRY);
    builder.add(0, 0, 1, 10, 64, 100, 1000);
    builder.add(0, 0, 1, 20, 164, 100, 1000);
    byte[] good = Arrays.copyOf(builder.bytes(), builder.length());
    assertThat(IndexBlock.of(good, good.length, IndexBlock.LEAF_ENTRY).count()).isEqualTo(2);
    byte[] key = good.clone();
    key[48 + 24] = 10;
    byte[] offset = good.clone();
    offset[48 + 32]--;
    for (byte[] bad : new byte[][] {key, offset}) {
      assertThatThrownBy(() -> IndexBlock.of(bad, bad.length, IndexBlock.LEAF_ENTRY))
          .hasMessageContaining("not in order");
    }
    for (int length : new int[] {0, 47, 95}) {
      assertThatThrownBy(() -> IndexBlock.of(good, length, IndexBlock.LEAF_ENTRY))
          .isInstanceOf(MalformedBlockException.class);
    }
  }

  @Test
  void aViewCanNotBeWritten() throws MalformedBlockException {
    byte[] bytes = block(1, new SplittableRandom(1));
    MemorySegment view = DataBlock.of(bytes, bytes.length).view();
    assertThatThrownBy(() -> view.set(ValueLayout.JAVA_BYTE, 0, (byte) 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
