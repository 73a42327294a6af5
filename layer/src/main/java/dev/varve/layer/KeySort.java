package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;

/// Sorts the numbers of keys in a {@link KeyTable} by key: a radix sort from the last byte of the
/// key to the first, which leaves out the bytes that are the same in all keys; mostly all but a few
/// are.
final class KeySort {

  private static final int PARTS = 3;

  private KeySort() {}

  /// @return the numbers of the keys in `range`, in the order of the keys
  static int[] sort(KeyTable keys, KeyRange range) {
    int[] numbers = within(keys, range);
    long[] values = new long[numbers.length];
    int[] otherNumbers = new int[numbers.length];
    long[] otherValues = new long[numbers.length];
    for (int part = PARTS - 1; part >= 0; part--) {
      long differing = load(keys, part, numbers, values);
      for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
        if ((differing >>> shift & 0xFF) != 0) {
          distribute(numbers, values, otherNumbers, otherValues, shift);
          int[] n = numbers;
          numbers = otherNumbers;
          otherNumbers = n;
          long[] v = values;
          values = otherValues;
          otherValues = v;
        }
      }
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
  private static long load(KeyTable keys, int part, int[] numbers, long[] values) {
    long differing = 0;
    for (int i = 0; i < numbers.length; i++) {
      values[i] =
          switch (part) {
            case 0 -> keys.upper(numbers[i]);
            case 1 -> keys.middle(numbers[i]);
            default -> keys.lower(numbers[i]);
          };
      differing |= values[i] ^ values[0];
    }
    return differing;
  }

  private static void distribute(
      int[] numbers, long[] values, int[] toNumbers, long[] toValues, int shift) {
    int[] next = new int[256];
    for (long value : values) {
      next[(int) (value >>> shift) & 0xFF]++;
    }
    int begin = 0;
    for (int digit = 0; digit < next.length; digit++) {
      int here = next[digit];
      next[digit] = begin;
      begin += here;
    }
    for (int i = 0; i < values.length; i++) {
      int to = next[(int) (values[i] >>> shift) & 0xFF]++;
      toNumbers[to] = numbers[i];
      toValues[to] = values[i];
    }
  }
}
