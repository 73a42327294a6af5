package dev.varve.verify;

import dev.varve.model.Key;
import dev.varve.postgres.page.Page;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The newest state of each page while a log is replayed: a number of them in memory outside the
/// heap, the others in {@link ChangedPages}. Of one thread. Hot: a page in memory costs one probe
/// of a hash table.
///
/// A page that was handed out may be another one after the next call. When room is needed a hand
/// goes round, and the first page that was not used since it came by last must go.
final class PageStore implements AutoCloseable {

  private static final int NONE = -1;

  private final ChangedPages files;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment[] pages;
  private final long[] keys;
  private final boolean[] used;
  private final boolean[] dirty;

  /// Frame numbers + 1 by the hash of their keys, 0 where there is none; linear probing.
  private final int[] table;

  private int filled;
  private int hand;

  /// @param frames how many pages are kept in memory, 8 KiB each
  PageStore(ChangedPages files, int frames) {
    this.files = files;
    pages = new MemorySegment[frames];
    MemorySegment memory = arena.allocate((long) frames * Page.SIZE, Page.SIZE);
    Arrays.setAll(pages, frame -> memory.asSlice((long) frame * Page.SIZE, Page.SIZE));
    keys = new long[3 * frames];
    used = new boolean[frames];
    dirty = new boolean[frames];
    table = new int[Integer.highestOneBit(frames) * 4];
  }

  /// The page, to be read; null when there is none.
  @Nullable MemorySegment find(long upper, long middle, long lower) {
    int frame = frame(upper, middle, lower, false);
    return frame == NONE ? null : pages[frame];
  }

  /// The page, to be changed; one that isn't there is made, of zeroes.
  MemorySegment change(long upper, long middle, long lower) {
    int frame = frame(upper, middle, lower, true);
    dirty[frame] = true;
    return pages[frame];
  }

  private int frame(long upper, long middle, long lower, boolean make) {
    int frame = lookUp(upper, middle, lower);
    if (frame == NONE) {
      frame = load(upper, middle, lower, make);
    }
    if (frame != NONE) {
      used[frame] = true;
    }
    return frame;
  }

  private int load(long upper, long middle, long lower, boolean make) {
    try {
      int frame = filled < pages.length ? filled : evict();
      if (!files.read(upper, middle, lower, pages[frame])) {
        if (!make) {
          return NONE; // the frame is free, and stays so
        }
        pages[frame].fill((byte) 0);
      }
      filled = Math.max(filled, frame + 1);
      keys[3 * frame] = upper;
      keys[3 * frame + 1] = middle;
      keys[3 * frame + 2] = lower;
      dirty[frame] = false;
      insert(frame);
      return frame;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Makes a frame free.
  private int evict() throws IOException {
    while (used[hand]) {
      used[hand] = false;
      hand = (hand + 1) % pages.length;
    }
    int frame = hand;
    hand = (hand + 1) % pages.length;
    if (isInTable(frame)) {
      if (dirty[frame]) {
        files.write(keys[3 * frame], keys[3 * frame + 1], keys[3 * frame + 2], pages[frame]);
      }
      remove(frame);
    }
    return frame;
  }

  private boolean isInTable(int frame) {
    return lookUp(keys[3 * frame], keys[3 * frame + 1], keys[3 * frame + 2]) == frame;
  }

  private int lookUp(long upper, long middle, long lower) {
    int mask = table.length - 1;
    for (int i = hash(upper, middle, lower) & mask; table[i] != 0; i = i + 1 & mask) {
      int frame = table[i] - 1;
      if (keys[3 * frame + 2] == lower
          && keys[3 * frame + 1] == middle
          && keys[3 * frame] == upper) {
        return frame;
      }
    }
    return NONE;
  }

  private void insert(int frame) {
    int mask = table.length - 1;
    int i = hash(frame) & mask;
    while (table[i] != 0) {
      i = i + 1 & mask;
    }
    table[i] = frame + 1;
  }

  /// Takes a frame out, and moves those behind it up that would not be found past the gap.
  private void remove(int frame) {
    int mask = table.length - 1;
    int gap = hash(frame) & mask;
    while (table[gap] != frame + 1) {
      gap = gap + 1 & mask;
    }
    table[gap] = 0;
    for (int i = gap + 1 & mask; table[i] != 0; i = i + 1 & mask) {
      int home = hash(table[i] - 1) & mask;
      boolean reachable = (i - home & mask) < (i - gap & mask);
      if (!reachable) {
        table[gap] = table[i];
        table[i] = 0;
        gap = i;
      }
    }
  }

  private int hash(int frame) {
    return hash(keys[3 * frame], keys[3 * frame + 1], keys[3 * frame + 2]);
  }

  private static int hash(long upper, long middle, long lower) {
    long mixed = (upper * 31 + middle) * 0x9E37_79B9_7F4A_7C15L + lower;
    mixed *= 0xBF58_476D_1CE4_E5B9L;
    return (int) (mixed >>> 32);
  }

  /// The page of a key, to be read; null when there is none.
  @Nullable MemorySegment find(Key key) {
    return find(key.upper(), key.middle(), key.lower());
  }

  @Override
  public void close() throws IOException {
    try (files) {
      arena.close();
    }
  }
}
