package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/// Compares the page with a model of it: the items in the order of their numbers, and the same
/// items in the order in which they lie, from the special space down.
class IndexItemsTest {

  private static final int SPECIAL = 16;

  private final Change change = new Change(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final List<Item> numbered = new ArrayList<>();
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

  IndexItemsTest() {
    Page.initialize(page, SPECIAL);
  }

  @RepeatedTest(100)
  void movesTuplesAsTheModelDoes(RepetitionInfo seed) {
    var random = new SplittableRandom(seed.getCurrentRepetition());
    int longest = random.nextInt(1, 300);
    for (int step = 0; step < 300; step++) {
      int action = random.nextInt(20);
      if (action < 12) {
        add(random, longest);
      } else if (action < 14 && !numbered.isEmpty()) {
        remove(random.nextInt(numbered.size()));
      } else if (action < 17 && !numbered.isEmpty()) {
        overwrite(random.nextInt(numbered.size()), random, longest);
      } else if (action < 19 && !numbered.isEmpty()) {
        shrink(random.nextInt(numbered.size()), random);
      } else if (action == 19) {
        removeSome(random);
      }
      assertPageIsTheModel();
    }
  }

  private void add(SplittableRandom random, int longest) {
    byte[] tuple = bytes(random, longest);
    int number = random.nextInt(numbered.size() + 1);
    var source = MemorySegment.ofArray(tuple);
    if (free() >= PageItems.align(tuple.length) + 4) {
      IndexItems.add(change, page, number + 1, source, 0, tuple.length);
      var item = new Item(tuple);
      numbered.add(number, item);
      lying.add(item);
    } else {
      assertThatThrownBy(() -> IndexItems.add(change, page, number + 1, source, 0, tuple.length))
          .isInstanceOf(DataCorrupted.class)
          .hasMessageContaining("no room");
    }
  }

  private void remove(int index) {
    IndexItems.remove(change, page, index + 1);
    removeFromModel(index);
  }

  private void removeFromModel(int index) {
    lying.remove(numbered.remove(index));
  }

  private void overwrite(int index, SplittableRandom random, int longest) {
    byte[] tuple = bytes(random, longest);
    int grows = PageItems.align(tuple.length) - numbered.get(index).size();
    if (grows <= free()) {
      IndexItems.overwrite(change, page, index + 1, MemorySegment.ofArray(tuple), 0, tuple.length);
      replaceInModel(index, tuple);
    }
  }

  private void shrink(int index, SplittableRandom random) {
    byte[] old = numbered.get(index).tuple;
    byte[] tuple = Arrays.copyOf(old, random.nextInt(1, old.length + 1));
    IndexItems.shrink(change, page, index + 1, tuple.length);
    replaceInModel(index, tuple);
  }

  private void replaceInModel(int index, byte[] tuple) {
    var item = new Item(tuple);
    lying.set(lying.indexOf(numbered.set(index, item)), item);
  }

  private void removeSome(SplittableRandom random) {
    int percent = random.nextInt(0, 60);
    int[] indexes =
        IntStream.range(0, numbered.size()).filter(_ -> random.nextInt(100) < percent).toArray();
    var numbers = MemorySegment.ofArray(new byte[2 * indexes.length + 1]);
    for (int i = 0; i < indexes.length; i++) {
      numbers.set(PgLayout.SHORT, 1 + 2L * i, (short) (indexes[i] + 1));
    }
    IndexItems.removeAll(change, page, numbers, 1, indexes.length);
    for (int i = indexes.length - 1; i >= 0; i--) {
      removeFromModel(indexes[i]);
    }
    if (indexes.length > 2) {
      lying.clear();
      lying.addAll(numbered);
    }
  }

  private void assertPageIsTheModel() {
    int used = lying.stream().mapToInt(Item::size).sum();
    assertThat(Page.lower(page)).isEqualTo(Page.HEADER + 4 * numbered.size());
    assertThat(Page.upper(page)).isEqualTo(Page.SIZE - SPECIAL - used);
    int at = Page.SIZE - SPECIAL;
    for (Item item : lying) {
      at -= item.size();
      int length = item.tuple.length;
      int number = numbered.indexOf(item) + 1;
      assertThat(Page.pointer(page, number))
          .as("item %d", number)
          .isEqualTo(Page.pointerOf(at, Page.NORMAL, length));
      assertThat(page.asSlice(at, length).toArray(PgLayout.BYTE)).isEqualTo(item.tuple);
    }
  }

  private int free() {
    return Page.upper(page) - Page.lower(page);
  }

  private static byte[] bytes(SplittableRandom random, int longest) {
    byte[] bytes = new byte[random.nextInt(1, longest + 1)];
    random.nextBytes(bytes);
    return bytes;
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
