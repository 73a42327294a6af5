package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/// Items that keep their numbers when others go, compared with a model: the tuples by their
/// numbers, and the same tuples in the order in which they lie, from the special space down.
class VacatedItemsTest {

  private static final int SPECIAL = 8;

  private final Change change = new Change(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final List<@Nullable Item> numbered = new ArrayList<>();
  private final List<Item> lying = new ArrayList<>();

  private static final class Item {
    final byte[] tuple;

    Item(byte[] tuple) {
      this.tuple = tuple;
    }

    int size() {
      return PageItems.align(tuple.length);
    }
  }

  VacatedItemsTest() {
    Page.initialize(page, SPECIAL);
  }

  @RepeatedTest(60)
  void keepsNumbersAsTheModelDoes(RepetitionInfo seed) {
    var random = new SplittableRandom(seed.getCurrentRepetition());
    for (int step = 0; step < 300; step++) {
      int action = random.nextInt(10);
      int number = random.nextInt(numbered.size() + 1) + 1;
      if (action < 5) {
        fill(random, action < 3 ? numbered.size() + 1 : number);
      } else if (action < 8) {
        vacate(number);
      } else {
        overwrite(random, number);
      }
      assertPageIsTheModel();
    }
  }

  private void fill(SplittableRandom random, int number) {
    byte[] tuple = bytes(random);
    boolean isNew = number > numbered.size();
    int needed = PageItems.align(tuple.length) + (isNew ? 4 : 0);
    if ((isNew || numbered.get(number - 1) == null) && free() >= needed) {
      int at = PageItems.allocate(change, page, number, tuple.length);
      MemorySegment.copy(MemorySegment.ofArray(tuple), 0, page, at, tuple.length);
      var item = new Item(tuple);
      if (isNew) {
        numbered.add(item);
      } else {
        numbered.set(number - 1, item);
      }
      lying.add(item);
    } else {
      assertThatThrownBy(() -> PageItems.allocate(change, page, number, tuple.length))
          .isInstanceOf(DataCorrupted.class);
    }
  }

  private void vacate(int number) {
    Item item = number > numbered.size() ? null : numbered.get(number - 1);
    if (item == null) {
      assertThatThrownBy(() -> IndexItems.vacate(change, page, number))
          .isInstanceOf(DataCorrupted.class);
      return;
    }
    IndexItems.vacate(change, page, number);
    if (number == numbered.size()) {
      numbered.removeLast();
    } else {
      numbered.set(number - 1, null);
    }
    lying.remove(item);
  }

  private void overwrite(SplittableRandom random, int number) {
    Item old = number > numbered.size() ? null : numbered.get(number - 1);
    byte[] tuple = bytes(random);
    if (old != null && PageItems.align(tuple.length) - old.size() <= free()) {
      var source = MemorySegment.ofArray(tuple);
      IndexItems.overwrite(change, page, number, source, 0, tuple.length);
      var item = new Item(tuple);
      numbered.set(number - 1, item);
      lying.set(lying.indexOf(old), item);
    }
  }

  private void assertPageIsTheModel() {
    int used = lying.stream().mapToInt(Item::size).sum();
    assertThat(Page.lower(page)).isEqualTo(Page.HEADER + 4 * numbered.size());
    assertThat(Page.upper(page)).isEqualTo(Page.SIZE - SPECIAL - used);
    List<Integer> pointers = new ArrayList<>(Collections.nCopies(numbered.size(), 0));
    int at = Page.SIZE - SPECIAL;
    for (Item item : lying) {
      at -= item.size();
      int length = item.tuple.length;
      pointers.set(numbered.indexOf(item), Page.pointerOf(at, Page.NORMAL, length));
      assertThat(page.asSlice(at, length).toArray(PgLayout.BYTE)).isEqualTo(item.tuple);
    }
    for (int number = 1; number <= numbered.size(); number++) {
      assertThat(Page.pointer(page, number)).isEqualTo(pointers.get(number - 1));
    }
  }

  @Test
  void refusesAnItemThatThePageHasNot() {
    PageItems.allocate(change, page, 1, 8);
    assertThatThrownBy(() -> IndexItems.vacate(change, page, 0)).hasMessageContaining("item 0");
    assertThatThrownBy(() -> IndexItems.vacate(change, page, 2)).hasMessageContaining("item 2");
    Page.setPointer(page, 1, Page.pointerOf(8180, Page.NORMAL, 8));
    assertThatThrownBy(() -> IndexItems.vacate(change, page, 1))
        .isInstanceOf(DataCorrupted.class)
        .hasMessageContaining("8 bytes at 8180");
  }

  private int free() {
    return Page.upper(page) - Page.lower(page);
  }

  private static byte[] bytes(SplittableRandom random) {
    byte[] bytes = new byte[random.nextInt(1, 300)];
    random.nextBytes(bytes);
    return bytes;
  }
}
