package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.model.PageserverException.Unsupported;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/// Pieces of pages written by hand, and pieces that fit no page.
class GenericRedoTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  private static final long LSN = 0x5000;

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);

  GenericRedoTest() {
    page.fill((byte) 0x77);
    Page.setLsn(page, 0x1000);
    Page.setLower(page, 100);
    Page.setUpper(page, 8000);
    Page.setSpecial(page, 8184);
  }

  private void apply(Object... data) {
    redo.apply(KEY, LSN, page, Changes.of(Change.GENERIC, 0).id(3).data(data).build());
  }

  @Test
  void putsPiecesInTheirPlacesAndZeroesBetweenTheNewBounds() {
    apply(
        // The new bounds, a piece on either side of the hole, and the page's last two bytes.
        (short) 12,
        (short) 4,
        (short) 104,
        (short) 7900,
        (short) 100,
        (short) 4,
        0x04030201,
        (short) 7900,
        (short) 1,
        (byte) 0x11,
        (short) 8190,
        (short) 2,
        (short) 0x2222);
    assertThat(Page.lsn(page)).isEqualTo(LSN);
    byte[] expected = new byte[Page.SIZE];
    var model = MemorySegment.ofArray(expected);
    model.fill((byte) 0x77);
    Page.setLsn(model, LSN);
    model.set(PgLayout.INT, 12, 7900 << 16 | 104);
    Page.setSpecial(model, 8184);
    model.set(PgLayout.INT, 100, 0x04030201);
    model.asSlice(104, 7900 - 104).fill((byte) 0);
    model.set(PgLayout.BYTE, 7900, (byte) 0x11);
    model.set(PgLayout.SHORT, 8190, (short) 0x2222);
    assertThat(page.toArray(PgLayout.BYTE)).isEqualTo(expected);
  }

  @Test
  void takesAPageWithoutRoomAndAChangeWithoutPieces() {
    Page.setLower(page, 8000);
    byte[] before = page.toArray(PgLayout.BYTE);
    apply();
    Page.setLsn(page, 0x1000);
    assertThat(page.toArray(PgLayout.BYTE)).isEqualTo(before);
  }

  @Test
  void refusesPiecesThatLeaveThePageOrTheChange() {
    assertRefused("a piece of 2 bytes for 8191", (short) 8191, (short) 2, (short) 0);
    assertRefused("a piece of 1 bytes for 65535", (short) -1, (short) 1, (byte) 0);
    assertRefused("a piece of 65535 bytes for 24", (short) 24, (short) -1, (short) 0);
    assertRefused("a piece of 3 bytes for 24, of which it has 2", (short) 24, (short) 3, (short) 0);
    assertRefused("not 4", (short) 24, (byte) 0);
    assertRefused("not 2", (byte) 24);
  }

  @Test
  void refusesBoundsThatCanNotBe() {
    assertRefused("lower 8001, upper 8000", (short) 12, (short) 2, (short) 8001);
    assertRefused("lower 23, upper 8000", (short) 12, (short) 2, (short) 23);
    assertRefused("lower 100, upper 8193", (short) 14, (short) 2, (short) 8193);
  }

  @Test
  void refusesANewPage() {
    page.fill((byte) 0);
    assertRefused("lower 0, upper 0", (short) 12, (short) 4, (short) 24, (short) 8192);
  }

  @Test
  void saysWhenItDoesNotKnowTheType() {
    assertThatThrownBy(
            () -> redo.apply(KEY, LSN, page, Changes.of(Change.GENERIC, 0x10).main(1L).build()))
        .isInstanceOf(Unsupported.class);
  }

  private void assertRefused(String part, Object... data) {
    MemorySegment before = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    assertThatThrownBy(() -> apply(data))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining("Generic/Generic at 0/5000")
        .hasMessageContaining(part);
    page.copyFrom(before);
  }
}
