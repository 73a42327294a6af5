package dev.varve.postgres.page;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PageTest {

  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);

  @Test
  void writesTheBytesOfTheHeader() {
    Page.initialize(page, 16);
    Page.setLsn(page, 0x0000_0002_1234_5678L);
    Page.setChecksum(page, 0xBEEF);
    Page.setFlags(page, Page.ALL_VISIBLE | Page.FULL);
    Page.setLower(page, 28);
    Page.setUpper(page, 8000);
    Page.setPruneXid(page, 0xF000_0001);
    Page.setPointer(page, 1, Page.pointerOf(8000, Page.NORMAL, 176));
    assertThat(HexFormat.of().formatHex(page.asSlice(0, 28).toArray(JAVA_BYTE)))
        .isEqualTo(
            "02000000"
                + "78563412"
                + "efbe"
                + "0600"
                + "1c00"
                + "401f"
                + "f01f"
                + "0420"
                + "010000f0"
                + "409f6001");
    assertThat(Page.lsn(page)).isEqualTo(0x0000_0002_1234_5678L);
    assertThat(Page.checksum(page)).isEqualTo(0xBEEF);
    assertThat(Page.flags(page)).isEqualTo(6);
    assertThat(Page.special(page)).isEqualTo(8176);
    assertThat(Page.pruneXid(page)).isEqualTo(0xF000_0001);
    assertThat(Page.pointers(page)).isEqualTo(1);
    int pointer = Page.pointer(page, 1);
    assertThat(Page.offset(pointer)).isEqualTo(8000);
    assertThat(Page.pointerFlags(pointer)).isEqualTo(Page.NORMAL);
    assertThat(Page.length(pointer)).isEqualTo(176);
    assertThat(Page.damage(page)).isNull();
    assertThat(Page.pointerDamage(page)).isNull();
  }

  @Test
  void aNewPageIsInOrder() {
    Page.check(page, "a page");
    assertThat(Page.isNew(page)).isTrue();
    assertThat(Page.pointers(page)).isZero();
    page.asSlice(8191).fill((byte) 1);
    assertThat(Page.isZero(page)).isFalse();
    assertThatExceptionOfType(PageserverException.DataCorrupted.class)
        .isThrownBy(() -> Page.check(page, "block 7"))
        .withMessage("block 7 is damaged: its upper bound is 0 but it is not empty");
  }

  static Stream<Consumer<MemorySegment>> headerDamages() {
    return Stream.of(
        page -> Page.setLower(page, 23),
        page -> Page.setUpper(page, 20),
        page -> Page.setUpper(page, 8180),
        page -> Page.setSpecial(page, 8200),
        page -> Page.setSpecial(page, 8177),
        page -> Page.setFlags(page, 8),
        page -> Page.setSizeAndVersion(page, 0x2003),
        page -> Page.setSizeAndVersion(page, 0x4004));
  }

  @ParameterizedTest
  @MethodSource("headerDamages")
  void findsADamagedHeader(Consumer<MemorySegment> damage) {
    Page.initialize(page, 16);
    Page.setLower(page, 24);
    damage.accept(page);
    assertThat(Page.damage(page)).startsWith("its header says lower ");
  }

  static Stream<Integer> pointerDamages() {
    return Stream.of(
        Page.pointerOf(7999, Page.NORMAL, 8), // in the hole
        Page.pointerOf(8170, Page.NORMAL, 8), // into the special space
        Page.pointerOf(8000, Page.NORMAL, 0),
        Page.pointerOf(0, Page.REDIRECT, 0),
        Page.pointerOf(3, Page.REDIRECT, 0), // there are two
        Page.pointerOf(1, Page.REDIRECT, 8),
        Page.pointerOf(8000, Page.UNUSED, 8),
        Page.pointerOf(7000, Page.DEAD, 8));
  }

  @ParameterizedTest
  @MethodSource("pointerDamages")
  void findsADamagedLinePointer(int pointer) {
    Page.initialize(page, 16);
    Page.setLower(page, 32);
    Page.setUpper(page, 8000);
    Page.setPointer(page, 1, Page.pointerOf(2, Page.REDIRECT, 0));
    Page.setPointer(page, 2, Page.pointerOf(8000, Page.NORMAL, 176));
    assertThat(Page.pointerDamage(page)).isNull();
    Page.setPointer(page, 2, pointer);
    assertThat(Page.pointerDamage(page)).startsWith("line pointer 2 has flags ");
    Page.setLower(page, 30);
    assertThat(Page.pointerDamage(page)).isEqualTo("its line pointers end within one, at 30");
  }

  @Test
  void refusesAnythingButAPage() {
    assertThat(Page.damage(page.asSlice(0, 8191))).isEqualTo("8191 bytes instead of 8192");
  }

  @Test
  void aChecksumIsNeverZeroAndIgnoresTheStoredOne() {
    Page.initialize(page, 0);
    for (int block = 0; block < 70_000; block++) {
      assertThat(Checksum.of(page, block)).isBetween(1, 65_535);
    }
    int sum = Checksum.of(page, 5);
    Page.setChecksum(page, 0xABCD);
    assertThat(Checksum.of(page, 5)).isEqualTo(sum);
    Checksum.put(page, 5);
    assertThat(Page.checksum(page)).isEqualTo(sum);
    assertThat(Checksum.isRight(page, 5)).isTrue();
  }

  @Test
  void aNewPageHasNoChecksum() {
    Checksum.put(page, 5);
    assertThat(Page.isZero(page)).isTrue();
    assertThat(Checksum.isRight(page, 5)).isTrue();
    page.asSlice(100, 1).fill((byte) 1);
    assertThat(Checksum.isRight(page, 5)).isFalse();
  }

  @Test
  void allocatesNothing() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    byte[] bytes = new byte[Page.SIZE];
    Arrays.fill(bytes, (byte) 3);
    MemorySegment filled = MemorySegment.ofArray(bytes);
    int[] scratch = Checksum.newScratch();
    Page.initialize(page, 8);
    int sum = 0;
    for (int i = 0; i < 20_000; i++) {
      sum += Checksum.of(filled, i, scratch) + (Page.damage(page) == null ? 1 : 0);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 20_000; i++) {
      sum += Checksum.of(filled, i, scratch) + (Page.damage(page) == null ? 1 : 0);
    }
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(20_000);
    assertThat(sum).isNotZero();
  }
}
