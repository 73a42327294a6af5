package dev.varve.layer;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Sorts the numbers of keys in a {@link KeyTable} by key: a radix sort from the last byte of the
/// key to the first, which leaves out the bytes that are the same in all keys; mostly all but a few
/// are.
final class KeySort {

  private static final int PARTS = 3;

  private KeySort() {}

  /// The numbers and the part of the keys that is looked at, side by side. They are off the heap:
  /// the collector would have to treat arrays of their size apart, time and again.
  private record Column(MemorySegment numbers, MemorySegment values) {

    static Column of(int count, Arena arena) {
      return new Column(arena.allocate(JAVA_INT, count), arena.allocate(JAVA_LONG, count));
    }

    int number(long index) {
      return numbers.getAtIndex(JAVA_INT, index);
    }

    long value(long index) {
      return values.getAtIndex(JAVA_LONG, index);
    }

    void set(long index, int number, long value) {
      numbers.setAtIndex(JAVA_INT, index, number);
      values.setAtIndex(JAVA_LONG, index, value);
    }
  }

  /// @return the numbers of the keys in `range`, in the order of the keys
  static int[] sort(KeyTable keys, KeyRange range) {
    int[] numbers = within(keys, range);
    int count = numbers.length;
    try (Arena arena = Arena.ofConfined()) {
      Column column = Column.of(count, arena);
      Column other = Column.of(count, arena);
      MemorySegment.copy(numbers, 0, column.numbers, JAVA_INT, 0, count);
      for (int part = PARTS - 1; part >= 0; part--) {
        long differing = load(keys, part, column, count);
        for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
          if ((differing >>> shift & 0xFF) != 0) {
            distribute(column, other, count, shift);
            Column sorted = other;
            other = column;
            column = sorted;
          }
        }
      }
      MemorySegment.copy(column.numbers, JAVA_INT, 0, numbers, 0, count);
    }
    return numbers;
  }

  private static int[] within(KeyTable keys, KeyRange range) {
    int count = keys.count();
    boolean all = range.equals(KeyRange.ALL);
    int[] numbers = new int[count];
    int found = 0;
    for (int number = 0; number < count; number++) {
      if (all || contains(range, keys, number)) {
        numbers[found++] = number;
      }
    }
    return found == count ? numbers : java.util.Arrays.copyOf(numbers, found);
  }

  private static boolean contains(KeyRange range, KeyTable keys, int number) {
    return compare(keys, number, range.start()) >= 0 && compare(keys, number, range.end()) < 0;
  }

  static int compare(KeyTable keys, int number, Key key) {
    return keys.compare(number, key.upper(), key.middle(), key.lower());
  }

  /// @return the bits in which not all values agree
  private static long load(KeyTable keys, int part, Column column, int count) {
    long differing = 0;
    for (int i = 0; i < count; i++) {
      int number = column.number(i);
      long value =
          switch (part) {
            case 0 -> keys.upper(number);
            case 1 -> keys.middle(number);
            default -> keys.lower(number);
          };
      column.values.setAtIndex(JAVA_LONG, i, value);
      differing |= value ^ column.value(0);
    }
    return differing;
  }

  private static void distribute(Column from, Column to, int count, int shift) {
    int[] next = new int[256];
    for (int i = 0; i < count; i++) {
      next[(int) (from.value(i) >>> shift) & 0xFF]++;
    }
    int begin = 0;
    for (int digit = 0; digit < next.length; digit++) {
      int here = next[digit];
      next[digit] = begin;
      begin += here;
    }
    for (int i = 0; i < count; i++) {
      long value = from.value(i);
      to.set(next[(int) (value >>> shift) & 0xFF]++, from.number(i), value);
    }
  }
}
