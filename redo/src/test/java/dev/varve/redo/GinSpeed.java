package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/// Measures redo of GIN records: `java … dev.varve.redo.GinSpeed`. Prints nanoseconds and allocated
/// bytes of a change.
final class GinSpeed {

  /// Of the leaf of a posting tree, and of the TIDs in each, every other item of the heap pages.
  private static final int SEGMENTS = 24;

  private static final int TIDS = 250;
  private static final int ITEMS = 226;

  private GinSpeed() {}

  static void main() {
    try (var arena = Arena.ofConfined()) {
      for (int round = 0; round < 8; round++) {
        RedoSpeed.measure("new leaf", arena, List.of(leaf(arena)));
        RedoSpeed.measure("TID at end", arena, additions(arena, SEGMENTS - 1));
        RedoSpeed.measure("TID in front", arena, additions(arena, 0));
        RedoSpeed.measure("entries", arena, entries(arena));
        RedoSpeed.measure("pending rows", arena, pending(arena));
      }
    }
  }

  private static long tid(int number) {
    return (long) (2 * number / ITEMS) << 11 | 2 * number % ITEMS + 1;
  }

  private static MemorySegment leaf(Arena arena) {
    byte[][] segments = new byte[SEGMENTS][];
    for (int i = 0; i < SEGMENTS; i++) {
      int first = i * TIDS;
      segments[i] =
          GinPostingListTest.segment(
              LongStream.range(first, first + TIDS).map(n -> tid((int) n)).toArray());
    }
    byte[] content = Changes.bytes((Object[]) segments);
    return RedoSpeed.offHeap(
        arena, Changes.of(Change.GIN, 0x10).initializes().main(content.length, content));
  }

  /// A hundred INSERTs of one TID each between those of a segment, the last first.
  private static List<MemorySegment> additions(Arena arena, int segment) {
    List<MemorySegment> changes = new ArrayList<>();
    changes.add(leaf(arena));
    for (int i = 100; i > 0; i--) {
      long tid = tid(segment * TIDS + i) + 1;
      changes.add(
          RedoSpeed.offHeap(
              arena,
              Changes.of(Change.GIN, 0x20)
                  .main((short) 3)
                  .data(
                      (short) 1,
                      (byte) segment,
                      (byte) 4,
                      (short) 1,
                      (short) 0,
                      (short) (tid >>> 11),
                      (short) (tid & 0x7FF))));
    }
    return changes;
  }

  /// INSERTs that replace one of a page's 200 entries each.
  private static List<MemorySegment> entries(Arena arena) {
    List<MemorySegment> changes = new ArrayList<>();
    changes.add(entryLeaf(arena));
    byte[] tuple = Arrays.copyOf(tuple(1), 24);
    tuple[6] = 24;
    for (int i = 1; i <= 200; i++) {
      boolean fresh = i <= 100;
      changes.add(
          RedoSpeed.offHeap(
              arena,
              Changes.of(Change.GIN, 0x20)
                  .main((short) 2)
                  .data((short) (fresh ? i : i - 100), (byte) (fresh ? 0 : 1), (byte) 0, tuple)));
    }
    return changes;
  }

  /// The image of an empty leaf of an entry tree: no record makes one otherwise.
  private static MemorySegment entryLeaf(Arena arena) {
    MemorySegment image = arena.allocate(Change.IMAGE_HEADER_BYTES + Page.SIZE);
    image.set(PgLayout.BYTE, 0, Change.IMAGE);
    GinPage.initialize(image.asSlice(Change.IMAGE_HEADER_BYTES), GinPage.LEAF);
    return image;
  }

  private static List<MemorySegment> pending(Arena arena) {
    List<MemorySegment> changes = new ArrayList<>();
    changes.add(list(arena, 3));
    for (int i = 1; i <= 100; i++) {
      changes.add(
          RedoSpeed.offHeap(
              arena,
              Changes.of(Change.GIN, 0x60)
                  .id(1)
                  .main(1663, 5, 16384, 0, new byte[56], -1, -1, 3, 0)
                  .data(tuple(i), tuple(i), tuple(i))));
    }
    return changes;
  }

  private static MemorySegment list(Arena arena, int tuples) {
    Object[] data = new Object[tuples];
    Arrays.fill(data, tuple(0));
    return RedoSpeed.offHeap(
        arena, Changes.of(Change.GIN, 0x70).initializes().main(-1, tuples).data(data));
  }

  private static byte[] tuple(int item) {
    return Changes.bytes(0, (short) (item + 1), (short) 16, 5L);
  }
}
