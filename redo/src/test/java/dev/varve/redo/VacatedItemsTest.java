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
  private final List<byte @Nullable []> numbered = new ArrayList<>();
  private final List<byte[]> lying = new ArrayList<>();

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
      if (isNew) {
        numbered.add(tuple);
      } else {
        numbered.set(number - 1, tuple);
      }
      lying.add(tuple);
    } else {
      assertThatThrownBy(() -> PageItems.allocate(change, page, number, tuple.length))
          .isInstanceOf(DataCorrupted.class);
    }
  }

  private void vacate(int number) {
    byte[] tuple = number > numbered.size() ? null : numbered.get(number - 1);
    if (tuple == null) {
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
    lying.remove(indexOf(tuple));
  }

  private void overwrite(SplittableRandom random, int number) {
    byte[] old = number > numbered.size() ? null : numbered.get(number - 1);
    byte[] tuple = bytes(random);
    if (old != null && PageItems.align(tuple.length) - PageItems.align(old.length) <= free()) {
      var source = MemorySegment.ofArray(tuple);
      IndexItems.overwrite(change, page, number, source, 0, tuple.length);
      numbered.set(number - 1, tuple);
      lying.set(indexOf(old), tuple);
    }
  }

  private int indexOf(byte[] tuple) {
    for (int i = 0; i < lying.size(); i++) {
      if (lying.get(i) == tuple) {
        return i;
      }
    }
    throw new AssertionError("the model has lost a tuple");
  }

  private void assertPageIsTheModel() {
    int used = lying.stream().mapToInt(tuple -> PageItems.align(tuple.length)).sum();
    assertThat(Page.lower(page)).isEqualTo(Page.HEADER + 4 * numbered.size());
    assertThat(Page.upper(page)).isEqualTo(Page.SIZE - SPECIAL - used);
    List<Integer> pointers = new ArrayList<>(Collections.nCopies(numbered.size(), 0));
    int at = Page.SIZE - SPECIAL;
    for (byte[] tuple : lying) {
      at -= PageItems.align(tuple.length);
      int number = 0;
      while (numbered.get(number) != tuple) {
        number++;
      }
      pointers.set(number, Page.pointerOf(at, Page.NORMAL, tuple.length));
      assertThat(page.asSlice(at, tuple.length).toArray(PgLayout.BYTE)).isEqualTo(tuple);
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
