package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A page as lists: its line pointers, and the tuples in the order in which they lie, from the
/// special space down. What each operation does to where tuples are is PostgreSQL's rule in its
/// shortest form; `redo` says the same with offsets.
final class ItemsModel {

  /// What a line pointer says. One without a tuple has a number in the place of the offset: the
  /// target of a redirect, or 0.
  static final class Slot {
    int flags;
    private final int number;
    private byte @Nullable [] tuple;

    private Slot(int flags, int number, byte @Nullable [] tuple) {
      this.flags = flags;
      this.number = number;
      this.tuple = tuple;
    }

    private int size() {
      return tuple == null ? 0 : PageItems.align(tuple.length);
    }
  }

  private final int special;
  private final byte[] specialBytes;
  private final List<Slot> slots = new ArrayList<>();

  /// Those with a tuple. One that isn't among {@link #slots} any more is room that waits for the
  /// next {@link #compact}.
  private final List<Slot> lying = new ArrayList<>();

  /// @param page becomes an empty one with a special space of that size
  ItemsModel(MemorySegment page, int specialSize) {
    Page.initialize(page, specialSize);
    special = Page.special(page);
    specialBytes = new byte[Page.SIZE - special];
    Arrays.fill(specialBytes, (byte) 0x3C);
    MemorySegment.copy(specialBytes, 0, page, PgLayout.BYTE, special, specialBytes.length);
  }

  int count() {
    return slots.size();
  }

  Slot slot(int number) {
    return slots.get(number - 1);
  }

  byte @Nullable [] tuple(int number) {
    return slot(number).tuple;
  }

  boolean isUnused(int number) {
    return slot(number).flags == Page.UNUSED && slot(number).tuple == null;
  }

  /// Room between line pointers and tuples.
  int free() {
    return upper() - Page.HEADER - 4 * slots.size();
  }

  private int upper() {
    return special - lying.stream().mapToInt(Slot::size).sum();
  }

  /// A new line pointer, those from this number on one place up, or an unused one of the number.
  void add(int number, byte[] tuple, boolean shifts) {
    var slot = new Slot(Page.NORMAL, 0, tuple);
    if (shifts || number > slots.size()) {
      slots.add(number - 1, slot);
    } else {
      slots.set(number - 1, slot);
    }
    lying.add(slot);
  }

  /// Tuple and line pointer go.
  void remove(int number) {
    lying.remove(slots.remove(number - 1));
  }

  /// Up to two go one by one; of more, the tuples that stay then lie in the order of their numbers.
  void removeAll(List<Integer> numbers) {
    numbers.stream().sorted(Comparator.reverseOrder()).forEach(this::remove);
    if (numbers.size() > 2) {
      compact();
    }
  }

  /// The tuple goes; its line pointer only if it is the last.
  void vacate(int number) {
    lying.remove(slot(number));
    if (number == slots.size()) {
      slots.removeLast();
    } else {
      point(number, Page.UNUSED, 0);
    }
  }

  void overwrite(int number, byte[] tuple) {
    slot(number).tuple = tuple;
  }

  /// The line pointer says something else and leaves its tuple to the next {@link #compact}.
  void point(int number, int flags, int target) {
    slots.set(number - 1, new Slot(flags, target, null));
  }

  /// The tuples lie in the order of their numbers; others are gone.
  void compact() {
    lying.clear();
    slots.stream().filter(slot -> slot.tuple != null).forEach(lying::add);
  }

  /// Unused line pointers at the end go, down to so many.
  void cut(int least) {
    while (slots.size() > least && isUnused(slots.size())) {
      slots.removeLast();
    }
  }

  /// Compares all that means something: the header's bounds, line pointers, tuples and special
  /// space.
  void assertSame(MemorySegment page) {
    assertThat(Page.lower(page)).as("lower").isEqualTo(Page.HEADER + 4 * slots.size());
    assertThat(Page.upper(page)).as("upper").isEqualTo(upper());
    assertThat(Page.special(page)).as("special").isEqualTo(special);
    assertThat(Page.sizeAndVersion(page)).isEqualTo(Page.SIZE_AND_VERSION);
    Map<Slot, Integer> offsets = new HashMap<>();
    int at = special;
    for (Slot slot : lying) {
      at -= slot.size();
      offsets.put(slot, at);
    }
    for (int number = 1; number <= slots.size(); number++) {
      Slot slot = slot(number);
      byte[] tuple = slot.tuple;
      if (tuple == null) {
        assertPointer(page, number, Page.pointerOf(slot.number, slot.flags, 0));
      } else {
        int offset = Objects.requireNonNull(offsets.get(slot));
        assertPointer(page, number, Page.pointerOf(offset, slot.flags, tuple.length));
        assertThat(page.asSlice(offset, tuple.length).mismatch(MemorySegment.ofArray(tuple)))
            .as("first wrong byte of item %d", number)
            .isEqualTo(-1);
      }
    }
    assertThat(page.asSlice(special).toArray(PgLayout.BYTE)).isEqualTo(specialBytes);
  }

  private static void assertPointer(MemorySegment page, int number, int pointer) {
    int actual = Page.pointer(page, number);
    if (actual != pointer) {
      assertThat(words(actual)).as("line pointer %d", number).isEqualTo(words(pointer));
    }
  }

  private static String words(int pointer) {
    return "offset %d, flags %d, length %d"
        .formatted(Page.offset(pointer), Page.pointerFlags(pointer), Page.length(pointer));
  }
}
