package dev.varve.postgres.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.ResourceManager;
import java.lang.foreign.MemorySegment;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PageMaskTest {

  private static final int TUPLE = 8192 - 40;

  /// A page of ones with this special space, and one line pointer to an item of 37 bytes before it.
  private static MemorySegment page(int special, int lastWord) {
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    page.fill((byte) 0xFF);
    int end = Page.SIZE - special;
    Page.setLower(page, 28);
    Page.setUpper(page, end - 40);
    Page.setSpecial(page, end);
    Page.setPointer(page, 1, Page.pointerOf(end - 40, Page.NORMAL, 37));
    if (special > 0) {
      page.set(PgLayout.SHORT, Page.SIZE - 2L, (short) lastWord);
    }
    return page;
  }

  /// Which bytes the mask changed; those of the page's header and of the hole left out.
  private static SortedSet<Long> changed(MemorySegment before, MemorySegment after) {
    SortedSet<Long> changed = new TreeSet<>();
    for (long at = Page.HEADER; at < Page.SIZE; at++) {
      boolean hole = at >= Page.lower(before) && at < Page.upper(before);
      if (!hole && before.get(PgLayout.BYTE, at) != after.get(PgLayout.BYTE, at)) {
        changed.add(at);
      }
    }
    return changed;
  }

  private static MemorySegment masked(MemorySegment page) {
    MemorySegment copy = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    PageMask.byLooks(copy, 5);
    return copy;
  }

  @Test
  void keepsOfATupleAllButHintsAndCommand() {
    MemorySegment page = page(0, 0);
    page.set(PgLayout.SHORT, TUPLE + 16L, (short) 1);
    MemorySegment frozen = masked(page);
    assertThat(changed(page, frozen))
        .containsExactly(
            TUPLE + 8L, TUPLE + 9L, TUPLE + 10L, TUPLE + 11L, TUPLE + 21L, 8189L, 8190L, 8191L);
    assertThat(frozen.get(PgLayout.SHORT, TUPLE + 20L)).isEqualTo((short) 0xF3FF);
    page.set(PgLayout.SHORT, TUPLE + 20L, (short) 0xFDFF);
    assertThat(masked(page).get(PgLayout.SHORT, TUPLE + 20L)).isEqualTo((short) 0x000F);
  }

  @Test
  void resolvesASpeculativeToken() {
    MemorySegment page = page(0, 0);
    page.set(PgLayout.SHORT, TUPLE + 16L, (short) 0xFFFE);
    MemorySegment masked = masked(page);
    assertThat(masked.get(PgLayout.SHORT, TUPLE + 14L)).isEqualTo((short) 5);
    assertThat(masked.get(PgLayout.SHORT, TUPLE + 16L)).isEqualTo((short) 1);
  }

  @Test
  void blanksLsnChecksumHintsAndHole() {
    MemorySegment page = page(16, 0);
    MemorySegment masked = masked(page);
    assertThat(Page.lsn(masked)).isZero();
    assertThat(Page.checksum(masked)).isZero();
    assertThat(Page.flags(masked)).isEqualTo(0xFFF8);
    assertThat(Page.pruneXid(masked)).isZero();
    assertThat(masked.asSlice(28, Page.upper(page) - 28).toArray(PgLayout.BYTE))
        .containsOnly((byte) 0);
  }

  /// By the last word of the special space: which bytes of the special space change, and whether
  /// the line pointer does.
  @ParameterizedTest
  @CsvSource({
    "16, 0x0001, 'ce', true",
    "16, 0xFF80, 'c', true",
    "16, 0xFF81, '01234567c', true",
    "8, 0xFF82, '', false",
    "8, 0xF093, '4', false",
    "8, 0xFF83, '', false",
  })
  void knowsIndexPagesByTheirLooks(int special, String last, String bytes, boolean pointer) {
    MemorySegment page = page(special, Integer.decode(last));
    SortedSet<Long> expected = new TreeSet<>();
    bytes.chars().forEach(at -> expected.add(Page.SIZE - special + (long) Character.digit(at, 16)));
    SortedSet<Long> changed = changed(page, masked(page));
    assertThat(changed.removeIf(at -> at < 28)).isEqualTo(pointer);
    assertThat(changed).isEqualTo(expected);
  }

  @Test
  void blanksInAnSpgistMetapageWhatIsNotLogged() {
    MemorySegment page = page(8, 0xFF82);
    Page.setLower(page, 24 + 68);
    assertThat(changed(page, masked(page)))
        .containsExactlyElementsOf(LongStream.range(28, 92).boxed().toList());
    page.set(PgLayout.SHORT, Page.special(page), (short) 4);
    assertThat(changed(page, masked(page))).isEmpty();
  }

  @Test
  void blanksADeletedPageOfGin() {
    MemorySegment page = page(8, 0x0004);
    assertThat(masked(page).asSlice(24).toArray(PgLayout.BYTE)).containsOnly((byte) 0);
  }

  @Test
  void leavesANewPageAlone() {
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    page.set(PgLayout.BYTE, 8000, (byte) 1);
    PageMask.byManager(10, page, 0);
    assertThat(page.get(PgLayout.BYTE, 8000)).isEqualTo((byte) 1);
  }

  @Test
  void refusesAPageWithoutOrder() {
    MemorySegment page = page(0, 0);
    Page.setLower(page, 8190);
    assertThatThrownBy(() -> PageMask.byLooks(page, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lower 8190");
  }

  /// Pages that differ in hints alone, in hints and in one bit of anything, or not at all.
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void agreesWithTheMaskWhetherHeapsAreEqual(long seed) {
    var random = new SplittableRandom(seed);
    int equal = 0;
    for (int round = 0; round < 5_000; round++) {
      MemorySegment page = heap(random);
      MemorySegment copy = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
      int hints = random.nextInt(6);
      for (int i = 0; i < hints; i++) {
        changeHint(random, copy);
      }
      boolean other = random.nextInt(3) == 0;
      if (other) {
        int at = random.nextInt(Page.SIZE);
        copy.set(PgLayout.BYTE, at, (byte) (copy.get(PgLayout.BYTE, at) ^ 1 << random.nextInt(8)));
      }
      MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
      boolean same =
          PageMask.areEqualHeaps(page, MemorySegment.ofArray(copy.toArray(PgLayout.BYTE)));
      assertThat(page.mismatch(before)).as("seed %d, round %d", seed, round).isEqualTo(-1);
      if (same || !other) {
        assertThat(same).as("seed %d, round %d", seed, round).isTrue();
        assertThat(areEqualMasked(page, copy)).as("seed %d, round %d", seed, round).isTrue();
        equal++;
      }
    }
    assertThat(equal).isBetween(3_000, 4_900);
  }

  private static boolean areEqualMasked(MemorySegment page, MemorySegment copy) {
    PageMask.byManager(ResourceManager.HEAP.id(), page, 5);
    PageMask.byManager(ResourceManager.HEAP.id(), copy, 5);
    return page.mismatch(copy) < 0;
  }

  /// Some tuples of random bytes, one in eight frozen.
  private static MemorySegment heap(SplittableRandom random) {
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    Page.initialize(page, 0);
    int upper = Page.SIZE;
    int count = 1 + random.nextInt(40);
    for (int i = 1; i <= count; i++) {
      int length = 24 + random.nextInt(120);
      upper -= length + 7 & -8;
      for (int at = upper; at < upper + length; at++) {
        page.set(PgLayout.BYTE, at, (byte) random.nextInt());
      }
      page.set(PgLayout.SHORT, upper + 16L, (short) i);
      if (random.nextInt(8) == 0) {
        page.set(
            PgLayout.SHORT, upper + 20L, (short) (page.get(PgLayout.SHORT, upper + 20L) | 0x0300));
      }
      Page.setPointer(page, i, Page.pointerOf(upper, Page.NORMAL, length));
    }
    Page.setLower(page, Page.HEADER + 4 * count);
    Page.setUpper(page, upper);
    return page;
  }

  private static void changeHint(SplittableRandom random, MemorySegment page) {
    int item = Page.pointer(page, 1 + random.nextInt(Page.pointers(page)));
    long tuple = Page.offset(item);
    int infomask = page.get(PgLayout.SHORT, tuple + 20);
    boolean frozen = (infomask & 0x0300) == 0x0300;
    switch (random.nextInt(5)) {
      case 0 -> page.set(PgLayout.INT, tuple + 8, random.nextInt());
      case 1 -> page.set(PgLayout.SHORT, tuple + 20, (short) (infomask ^ 0x0800));
      case 2 ->
          page.set(PgLayout.SHORT, tuple + 20, (short) (infomask ^ (frozen ? 0x0400 : 0x1000)));
      case 3 -> Page.setPruneXid(page, random.nextInt());
      default -> Page.setLsn(page, random.nextLong());
    }
  }
}
