package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/// What {@link IndexItems} refuses; what it does, {@link ItemsModelTest} compares.
class IndexItemsTest {

  private final Change change = new Change(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);

  IndexItemsTest() {
    Page.initialize(page, 16);
  }

  @Test
  void refusesWhatThePageHasNot() {
    var tuple = MemorySegment.ofArray(new byte[8]);
    IndexItems.add(change, page, 1, tuple, 0, 8);
    assertCorrupted("item 3", () -> IndexItems.add(change, page, 3, tuple, 0, 8));
    assertCorrupted("item 0", () -> IndexItems.add(change, page, 0, tuple, 0, 8));
    assertCorrupted("item 2", () -> IndexItems.remove(change, page, 2));
    assertCorrupted("item 0", () -> IndexItems.remove(change, page, 0));
    assertCorrupted("item 2", () -> IndexItems.overwrite(change, page, 2, tuple, 0, 8));
    assertCorrupted("can't shrink", () -> IndexItems.shrink(change, page, 1, 9));
  }

  @Test
  void refusesToVacateWhatThePageHasNot() {
    PageItems.allocate(change, page, 1, 8);
    assertCorrupted("item 0", () -> IndexItems.vacate(change, page, 0));
    assertCorrupted("item 2", () -> IndexItems.vacate(change, page, 2));
    Page.setPointer(page, 1, Page.pointerOf(8172, Page.NORMAL, 8));
    assertCorrupted("8 bytes at 8172", () -> IndexItems.vacate(change, page, 1));
  }

  @Test
  void refusesToRemoveOutOfOrder() {
    var tuple = MemorySegment.ofArray(new byte[8]);
    for (int number = 1; number <= 5; number++) {
      IndexItems.add(change, page, number, tuple, 0, 8);
    }
    var numbers = MemorySegment.ofArray(new byte[] {1, 0, 3, 0, 2, 0});
    assertCorrupted("order", () -> IndexItems.removeAll(change, page, numbers, 0, 3));
  }

  @Test
  void refusesAPageWhoseHeaderCanNotBeRight() {
    Page.setLower(page, 4000);
    Page.setUpper(page, 3996);
    assertCorrupted("lower 4000", () -> IndexItems.place(change, page, 1, 8));
  }

  private static void assertCorrupted(String part, Runnable action) {
    assertThatThrownBy(action::run).isInstanceOf(DataCorrupted.class).hasMessageContaining(part);
  }
}
