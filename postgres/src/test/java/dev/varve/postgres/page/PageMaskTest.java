package dev.varve.postgres.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.postgres.PgLayout;
import java.lang.foreign.MemorySegment;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
}
