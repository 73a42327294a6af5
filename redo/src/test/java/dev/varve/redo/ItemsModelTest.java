package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Random operations on pages, each compared with what {@link ItemsModel} makes of it. The seed of
/// a failure is in its message; `-Dseed=7` runs that one alone.
class ItemsModelTest {

  private static final int SEQUENCES = 1500;
  private static final int STEPS = 80;
  private static final int HEAP2 = 9;

  private interface Sequence {
    void run(SplittableRandom random);
  }

  private static void sequences(int count, Sequence sequence) {
    Long one = Long.getLong("seed");
    for (long seed = one == null ? 0 : one; seed < (one == null ? count : one + 1); seed++) {
      try {
        sequence.run(new SplittableRandom(seed));
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("-Dseed=%d: %s".formatted(seed, e.getMessage()), e);
      }
    }
  }

  @Test
  void indexPagesAreAsTheModelSays() {
    sequences(SEQUENCES, random -> new IndexRun(random, 16).run(random.nextInt(1, 300)));
  }

  @Test
  void pagesWhoseItemsKeepTheirNumbersAreAsTheModelSays() {
    sequences(SEQUENCES, random -> new IndexRun(random, 8).runInPlace(random.nextInt(1, 300)));
  }

  @ParameterizedTest
  @EnumSource
  void heapPagesAreAsTheModelSays(PgVersion version) {
    sequences(SEQUENCES / 3, random -> new HeapRun(version, random).run(random.nextInt(24, 600)));
  }

  private static byte[] tuple(SplittableRandom random, int longest) {
    byte[] bytes = new byte[random.nextInt(1, longest + 1)];
    random.nextBytes(bytes);
    return bytes;
  }

  /// What {@link IndexItems} does to a page.
  private static final class IndexRun {
    private final Change change = new Change(PgVersion.V17);
    private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    private final SplittableRandom random;
    private final ItemsModel model;

    IndexRun(SplittableRandom random, int special) {
      this.random = random;
      this.model = new ItemsModel(page, special);
    }

    void run(int longest) {
      for (int step = 0; step < STEPS; step++) {
        int action = random.nextInt(20);
        if (action < 11 || model.count() == 0) {
          add(longest);
        } else {
          int number = 1 + random.nextInt(model.count());
          switch (action) {
            case 11, 12 -> {
              IndexItems.remove(change, page, number);
              model.remove(number);
            }
            case 13, 14 -> overwrite(number, tuple(random, longest));
            case 15 -> shrink(number);
            case 16, 17 -> markDead(number);
            default -> removeSome(random.nextInt(60));
          }
        }
        model.assertSame(page);
      }
    }

    private void add(int longest) {
      // Every few steps so much that the page is full soon.
      for (int i = random.nextInt(8) == 0 ? 20 : 1; i > 0; i--) {
        byte[] tuple = tuple(random, longest);
        int number = 1 + random.nextInt(model.count() + 1);
        MemorySegment source = MemorySegment.ofArray(tuple);
        if (model.free() < PageItems.align(tuple.length) + 4) {
          assertThatThrownBy(() -> IndexItems.add(change, page, number, source, 0, tuple.length))
              .isInstanceOf(DataCorrupted.class)
              .hasMessageContaining("no room");
          return;
        }
        IndexItems.add(change, page, number, source, 0, tuple.length);
        model.add(number, tuple, true);
      }
    }

    private void overwrite(int number, byte[] tuple) {
      byte[] old = model.tuple(number);
      if (old == null) {
        assertThatThrownBy(() -> overwritePage(number, tuple)).isInstanceOf(DataCorrupted.class);
      } else if (PageItems.align(tuple.length) - PageItems.align(old.length) > model.free()) {
        assertThatThrownBy(() -> overwritePage(number, tuple))
            .isInstanceOf(DataCorrupted.class)
            .hasMessageContaining("no room");
      } else {
        overwritePage(number, tuple);
        model.overwrite(number, tuple);
      }
    }

    private void overwritePage(int number, byte[] tuple) {
      IndexItems.overwrite(change, page, number, MemorySegment.ofArray(tuple), 0, tuple.length);
    }

    private void shrink(int number) {
      byte[] old = model.tuple(number);
      if (old != null) {
        byte[] tuple = Arrays.copyOf(old, random.nextInt(1, old.length + 1));
        IndexItems.shrink(change, page, number, tuple.length);
        model.overwrite(number, tuple);
      }
    }

    /// A hint that servers give: it must stay with the item.
    private void markDead(int number) {
      int pointer = Page.pointer(page, number);
      Page.setPointer(
          page, number, Page.pointerOf(Page.offset(pointer), Page.DEAD, Page.length(pointer)));
      model.slot(number).flags = Page.DEAD;
    }

    private void removeSome(int percent) {
      List<Integer> numbers =
          IntStream.rangeClosed(1, model.count())
              .filter(_ -> random.nextInt(100) < percent)
              .boxed()
              .limit(random.nextBoolean() ? 2 : Integer.MAX_VALUE)
              .toList();
      MemorySegment bytes = MemorySegment.ofArray(new byte[2 * numbers.size() + 1]);
      for (int i = 0; i < numbers.size(); i++) {
        bytes.set(PgLayout.SHORT, 1 + 2L * i, numbers.get(i).shortValue());
      }
      IndexItems.removeAll(change, page, bytes, 1, numbers.size());
      model.removeAll(numbers);
    }

    void runInPlace(int longest) {
      for (int step = 0; step < STEPS; step++) {
        int number = 1 + random.nextInt(model.count() + 1);
        int action = random.nextInt(10);
        if (action < 5) {
          allocate(action < 3 ? model.count() + 1 : number, tuple(random, longest));
        } else if (number > model.count() || model.tuple(number) == null) {
          assertThatThrownBy(() -> IndexItems.vacate(change, page, number))
              .isInstanceOf(DataCorrupted.class);
        } else if (action < 8) {
          IndexItems.vacate(change, page, number);
          model.vacate(number);
        } else {
          overwrite(number, tuple(random, longest));
        }
        model.assertSame(page);
      }
    }

    private void allocate(int number, byte[] tuple) {
      boolean isNew = number > model.count();
      if ((isNew || model.isUnused(number))
          && model.free() >= PageItems.align(tuple.length) + (isNew ? 4 : 0)) {
        int at = PageItems.allocate(change, page, number, tuple.length);
        MemorySegment.copy(tuple, 0, page, PgLayout.BYTE, at, tuple.length);
        model.add(number, tuple, false);
      } else {
        assertThatThrownBy(() -> PageItems.allocate(change, page, number, tuple.length))
            .isInstanceOf(DataCorrupted.class);
      }
    }
  }

  /// What inserts, pruning and vacuum do to a heap page.
  private static final class HeapRun {
    private final PgVersion version;
    private final Change change;
    private final Redo redo;
    private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    private final ItemsModel model = new ItemsModel(page, 0);
    private final SplittableRandom random;
    private long lsn = 0x1000;

    /// What the next record does, by number.
    private final List<short[]> redirects = new ArrayList<>();

    private final List<Short> dead = new ArrayList<>();
    private final List<Short> unused = new ArrayList<>();

    HeapRun(PgVersion version, SplittableRandom random) {
      this.version = version;
      this.change = new Change(version);
      this.redo = new Redo(version);
      this.random = random;
    }

    void run(int longest) {
      for (int step = 0; step < STEPS; step++) {
        int action = random.nextInt(10);
        if (action < 6) {
          insert(longest);
        } else if (action < 8) {
          prune(random.nextInt(60));
        } else {
          vacuum();
        }
        model.assertSame(page);
      }
    }

    private void insert(int longest) {
      for (int i = random.nextInt(10); i >= 0; i--) {
        byte[] tuple = tuple(random, longest);
        int number =
            IntStream.rangeClosed(1, model.count())
                .filter(model::isUnused)
                .findFirst()
                .orElse(model.count() + 1);
        int needed = PageItems.align(tuple.length) + (number > model.count() ? 4 : 0);
        if (model.free() < needed) {
          return;
        }
        int at = PageItems.allocate(change, page, number, tuple.length);
        MemorySegment.copy(tuple, 0, page, PgLayout.BYTE, at, tuple.length);
        model.add(number, tuple, false);
      }
    }

    private void prune(int percent) {
      forSome(
          percent,
          number -> !model.isUnused(number),
          (number, what) -> {
            if (what == 0 && model.tuple(number) != null) {
              int target = 1 + random.nextInt(model.count());
              redirects.add(new short[] {(short) number, (short) target});
              model.point(number, Page.REDIRECT, target);
            } else if (what == 1 && model.tuple(number) != null) {
              dead.add((short) number);
              model.point(number, Page.DEAD, 0);
            } else {
              unused.add((short) number);
              model.point(number, Page.UNUSED, 0);
            }
          });
      boolean lists = redirects.size() + dead.size() + unused.size() > 0;
      apply(0x10 * random.nextInt(1, version.isAtLeast(PgVersion.V17) ? 4 : 2), 0x04);
      // Before 17 every record of pruning packs the page; from then on one that has a list.
      if (lists || !version.isAtLeast(PgVersion.V17)) {
        model.compact();
        if (version != PgVersion.V14) {
          model.cut(0);
        }
      }
    }

    private void vacuum() {
      forSome(
          random.nextInt(10, 100),
          number -> model.slot(number).flags == Page.DEAD,
          (number, _) -> {
            unused.add((short) number);
            model.point(number, Page.UNUSED, 0);
          });
      boolean lists = !unused.isEmpty();
      apply(version.isAtLeast(PgVersion.V17) ? 0x30 : 0x20, 0);
      if (lists || !version.isAtLeast(PgVersion.V17)) {
        model.cut(1);
      }
    }

    private interface Choice {
      void take(int number, int what);
    }

    private void forSome(int percent, IntPredicate which, Choice choice) {
      redirects.clear();
      dead.clear();
      unused.clear();
      for (int number = 1; number <= model.count(); number++) {
        if (which.test(number) && random.nextInt(100) < percent) {
          choice.take(number, random.nextInt(4));
        }
      }
    }

    /// @param flags those of 17 on that don't name lists
    private void apply(int info, int flags) {
      byte[] pairs = Changes.bytes(redirects.stream().map(HeapRun::pair).toArray());
      byte[] deads = Changes.bytes(dead.toArray());
      byte[] frees = Changes.bytes(unused.toArray());
      Changes record = Changes.of(HEAP2, info);
      if (version.isAtLeast(PgVersion.V17)) {
        int lists =
            (redirects.isEmpty() ? 0 : 0x20)
                | (dead.isEmpty() ? 0 : 0x40)
                | (unused.isEmpty() ? 0 : 0x80);
        record
            .main((byte) 0, (byte) (flags | lists))
            .data(
                counted(redirects.size(), pairs),
                counted(dead.size(), deads),
                counted(unused.size(), frees));
      } else if (info == 0x20) {
        record.main((short) unused.size()).data(frees);
      } else {
        record.main(700, (short) redirects.size(), (short) dead.size()).data(pairs, deads, frees);
      }
      redo.apply(new Key(0, 1663, 5, 16384, 0, 7), lsn += 8, page, record.build());
    }

    private static byte[] pair(short[] pair) {
      return Changes.bytes(pair[0], pair[1]);
    }

    private static byte[] counted(int count, byte[] list) {
      return count == 0 ? list : Changes.bytes((short) count, list);
    }
  }
}
