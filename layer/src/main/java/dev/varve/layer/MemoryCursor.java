package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Walks over the sorted keys of a {@link MemoryLayer}, and over each key's chain backwards.
///
/// Records and entries lie anywhere in memory, and each chain is a list. So the chains of some
/// dozens of keys are followed side by side, a step of each at a time: the processor then waits for
/// many of them at once instead of one after the other.
final class MemoryCursor implements LayerCursor {

  /// How many chains are followed at once,
  private static final int AHEAD = 32;

  /// and no more once they have so many entries.
  private static final int MOST_ENTRIES = 1 << 12;

  private final MemoryLayer layer;
  private final KeyTable keys;
  private final int[] order;
  private final int end;

  /// The place of the present key in the order.
  private int place;

  /// Those from the present key to here have their chains in `entries`, one after the other, each
  /// from the newest entry to the oldest.
  private int ready;

  private long[] entries = new long[4 * AHEAD];

  /// Where in `entries` the chains of the keys from `ready` back to the first one end.
  private final int[] ends = new int[AHEAD];

  private final int[] longer = new int[AHEAD];

  /// Where the chains begin that are ready: the place of the first in the order.
  private int firstReady;

  /// Where the present entry is; its chain begins at `begin`.
  private int entry;

  private int begin;
  private boolean on;
  private boolean closed;

  // written so that the compiler keeps the reads that it sums up
  @SuppressWarnings({"unused", "UnusedVariable"})
  private long touched;

  /// @param order numbers of keys, sorted by key: at least all those in `range`
  MemoryCursor(MemoryLayer layer, KeyTable keys, int[] order, KeyRange range) {
    this.layer = layer;
    this.keys = keys;
    this.order = order;
    this.ready = firstNotBelow(range.start());
    this.place = ready - 1;
    this.end = firstNotBelow(range.end());
  }

  private int firstNotBelow(Key bound) {
    int low = 0;
    int high = order.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (KeySort.compare(keys, order[middle], bound) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  @Override
  public boolean next() {
    if (on && entry > begin) {
      entry--;
      return true;
    }
    on = place + 1 < end;
    if (!on) {
      return false;
    }
    place++;
    if (place == ready) {
      follow();
    }
    int chain = place - firstReady;
    begin = chain == 0 ? 0 : ends[chain - 1];
    entry = ends[chain] - 1;
    return true;
  }

  /// Follows the chains of the next keys.
  private void follow() {
    firstReady = ready;
    int most = Math.min(AHEAD, end - ready);
    long sum = 0;
    for (int i = 0; i < most; i++) {
      sum += keys.newest(order[ready + i]);
    }
    int chains = 0;
    int count = 0;
    while (chains < most && count < MOST_ENTRIES) {
      long newest = keys.newest(order[ready + chains]);
      int length = layer.below(newest) + 1;
      if (count + length > entries.length) {
        entries = Arrays.copyOf(entries, Math.max(2 * entries.length, count + length));
      }
      entries[count] = newest;
      count += length;
      ends[chains++] = count;
    }
    ready += chains;
    followOlder(chains);
    for (int i = 0; i < count; i++) {
      sum += layer.touch(entries[i]);
    }
    touched = sum;
  }

  /// The newest entry of each chain is there.
  private void followOlder(int chains) {
    int more = 0;
    for (int i = 0; i < chains; i++) {
      longer[more++] = i;
    }
    for (int step = 1; more > 0; step++) {
      int left = 0;
      for (int i = 0; i < more; i++) {
        int chain = longer[i];
        int at = (chain == 0 ? 0 : ends[chain - 1]) + step;
        if (at < ends[chain]) {
          entries[at] = layer.older(entries[at - 1]);
          longer[left++] = chain;
        }
      }
      more = left;
    }
  }

  private long entry() {
    requireOn();
    return entries[entry];
  }

  private int key() {
    requireOn();
    return order[place];
  }

  private void requireOn() {
    if (!on || closed) {
      throw new IllegalStateException("the cursor stands on no version");
    }
  }

  @Override
  public long upper() {
    return keys.upper(key());
  }

  @Override
  public long middle() {
    return keys.middle(key());
  }

  @Override
  public long lower() {
    return keys.lower(key());
  }

  @Override
  public long lsn() {
    return layer.lsn(entry());
  }

  @Override
  public boolean image() {
    return layer.isImage(entry());
  }

  @Override
  public boolean initializes() {
    return layer.initializes(entry());
  }

  @Override
  public MemorySegment memory() {
    return layer.memory(entry());
  }

  @Override
  public long offset() {
    return MemoryLayer.offset(entry());
  }

  @Override
  public int length() {
    return layer.length(entry());
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      layer.release();
    }
  }
}
