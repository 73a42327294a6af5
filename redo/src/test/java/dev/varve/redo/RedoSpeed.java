package dev.varve.redo;

import com.sun.management.ThreadMXBean;
import dev.varve.model.Key;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/// Measures redo of heap records: `java … dev.varve.redo.RedoSpeed`. Prints CPU nanoseconds and
/// allocated bytes of a change.
final class RedoSpeed {

  private static final int TUPLE = 100;
  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);

  private RedoSpeed() {}

  static void main() {
    try (var arena = Arena.ofConfined()) {
      for (int round = 0; round < 8; round++) {
        measure("inserts", arena, inserts(arena));
        measure("HOT updates", arena, updates(arena));
        measure("deletes", arena, deletes(arena));
      }
    }
  }

  /// One page's worth of inserts, the first of which makes the page.
  private static List<MemorySegment> inserts(Arena arena) {
    List<MemorySegment> changes = new ArrayList<>();
    int fit = (Page.SIZE - Page.HEADER) / (128 + PageItems.POINTER);
    for (int i = 1; i <= fit; i++) {
      Changes change =
          Changes.of(Change.HEAP, i == 1 ? 0x80 : 0x00)
              .main((short) i, (byte) 0)
              .data((short) 3, (short) 0x0802, (byte) 24, new byte[TUPLE]);
      changes.add(offHeap(arena, i == 1 ? change.initializes() : change));
    }
    return changes;
  }

  /// Inserts, and updates of each tuple in turn with most of it the same.
  private static List<MemorySegment> updates(Arena arena) {
    List<MemorySegment> changes = new ArrayList<>(inserts(arena).subList(0, 30));
    for (int i = 1; i <= 28; i++) {
      changes.add(
          offHeap(
              arena,
              Changes.of(Change.HEAP, 0x40)
                  .main(701, (short) i, (byte) 0, (byte) 0x60, 0, (short) (30 + i))
                  .data(
                      (short) 40,
                      (short) 50,
                      (short) 3,
                      (short) 0x2802,
                      (byte) 24,
                      new byte[1 + 9])));
    }
    return changes;
  }

  private static List<MemorySegment> deletes(Arena arena) {
    List<MemorySegment> changes = new ArrayList<>(inserts(arena));
    for (int i = 1; i <= 60; i++) {
      changes.add(
          offHeap(
              arena, Changes.of(Change.HEAP, 0x10).main(701, (short) i, (byte) 0x10, (byte) 0)));
    }
    return changes;
  }

  static MemorySegment offHeap(Arena arena, Changes change) {
    MemorySegment bytes = change.build();
    return arena.allocate(bytes.byteSize()).copyFrom(bytes);
  }

  static void measure(String what, Arena arena, List<MemorySegment> changes) {
    var redo = new Redo(PgVersion.V17);
    MemorySegment page = arena.allocate(Page.SIZE, 8);
    MemorySegment[] list = changes.toArray(MemorySegment[]::new);
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int rounds = 20_000;
    long allocated = threads.getCurrentThreadAllocatedBytes();
    long start = threads.getCurrentThreadCpuTime();
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < list.length; i++) {
        redo.apply(KEY, i + 1L, page, list[i]);
      }
    }
    double count = (double) rounds * list.length;
    System.out.printf(
        "%-12s %6.1f ns  %5.2f B a change%n",
        what,
        (threads.getCurrentThreadCpuTime() - start) / count,
        (threads.getCurrentThreadAllocatedBytes() - allocated) / count);
  }
}
