package dev.varve.redo;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// Measures redo of B-tree records: `java … dev.varve.redo.BtreeSpeed`. Prints nanoseconds and
/// allocated bytes of a change.
final class BtreeSpeed {

  /// As many tuples of 16 bytes as fit on a page.
  private static final int TUPLES = 407;

  private BtreeSpeed() {}

  static void main() {
    try (var arena = Arena.ofConfined()) {
      for (int round = 0; round < 8; round++) {
        RedoSpeed.measure("ascending", arena, inserts(arena, false));
        RedoSpeed.measure("random", arena, inserts(arena, true));
        RedoSpeed.measure("right page", arena, List.of(leaf(arena, TUPLES)));
        RedoSpeed.measure("+ left page", arena, List.of(leaf(arena, TUPLES), split(arena)));
        RedoSpeed.measure("+ dedup", arena, List.of(leaf(arena, TUPLES), dedup(arena)));
        RedoSpeed.measure("+ vacuum", arena, List.of(leaf(arena, TUPLES), vacuum(arena, 40)));
      }
    }
  }

  /// A page's worth of INSERT_LEAF, after the NEWROOT that makes the page.
  private static List<MemorySegment> inserts(Arena arena, boolean anywhere) {
    var random = new SplittableRandom(1);
    List<MemorySegment> changes = new ArrayList<>();
    changes.add(leaf(arena, 0));
    for (int i = 0; i < TUPLES; i++) {
      int number = 1 + (anywhere ? random.nextInt(i + 1) : i);
      changes.add(add(arena, Changes.of(Change.BTREE, 0x00).main((short) number).data(tuple(i))));
    }
    return changes;
  }

  private static MemorySegment add(Arena arena, Changes change) {
    return RedoSpeed.offHeap(arena, change);
  }

  private static byte[] tuple(int item) {
    return Changes.bytes(7 << 16, (short) (item + 1), (short) 16, (long) item);
  }

  /// A leaf that is made with so many tuples in it, as the right page of a split.
  private static MemorySegment leaf(Arena arena, int tuples) {
    byte[][] data = new byte[tuples][];
    for (int i = 0; i < tuples; i++) {
      data[i] = tuple(tuples - 1 - i);
    }
    return add(
        arena,
        Changes.of(Change.BTREE, 0x40)
            .id(1)
            .initializes()
            .other(0, 0, 6)
            .main(0, (short) 9, (short) 9, (short) 0)
            .data((Object[]) data));
  }

  private static MemorySegment split(Arena arena) {
    return add(
        arena,
        Changes.of(Change.BTREE, 0x40)
            .other(1, 0, 8)
            .main(0, (short) (TUPLES / 2), (short) (TUPLES / 2 + 1), (short) 0)
            .data(tuple(TUPLES / 2)));
  }

  /// Merges ten items at a time.
  private static MemorySegment dedup(Arena arena) {
    int runs = TUPLES / 10;
    Object[] data = new Object[2 * runs];
    for (int i = 0; i < runs; i++) {
      data[2 * i] = (short) (1 + 10 * i);
      data[2 * i + 1] = (short) 10;
    }
    return add(arena, Changes.of(Change.BTREE, 0x60).main((short) runs).data(data));
  }

  private static MemorySegment vacuum(Arena arena, int removed) {
    Object[] data = new Object[removed];
    for (int i = 0; i < removed; i++) {
      data[i] = (short) (1 + i * (TUPLES / removed));
    }
    return add(arena, Changes.of(Change.BTREE, 0xC0).main((short) removed, (short) 0).data(data));
  }
}
