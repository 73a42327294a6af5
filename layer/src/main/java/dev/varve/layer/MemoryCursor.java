package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Walks over the sorted keys of a {@link MemoryLayer}, and over each key's chain backwards.
final class MemoryCursor implements LayerCursor {

  /// How many keys are fetched at once.
  private static final int AHEAD = 32;

  private final MemoryLayer layer;
  private final KeyTable keys;
  private final int[] order;
  private final int end;
  private int next;
  private int key = -1;
  private long[] entries = new long[64];
  private int left;
  private boolean closed;
  private int aheadTo;

  // written so that the compiler keeps the reads that it sums up
  @SuppressWarnings({"unused", "UnusedVariable"})
  private long ahead;

  /// @param order numbers of keys, sorted by key: at least all those in `range`
  MemoryCursor(MemoryLayer layer, KeyTable keys, int[] order, KeyRange range) {
    this.layer = layer;
    this.keys = keys;
    this.order = order;
    this.next = firstNotBelow(range.start());
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
    if (left > 1) {
      left--;
      return true;
    }
    if (next == end) {
      left = 0;
      return false;
    }
    if (next >= aheadTo) {
      fetchAhead();
    }
    key = order[next++];
    left = 0;
    for (long entry = keys.newest(key); entry != 0; entry = layer.older(entry)) {
      if (left == entries.length) {
        entries = Arrays.copyOf(entries, 2 * left);
      }
      entries[left++] = entry;
    }
    return true;
  }

  /// Reads a little of the next keys' newest entries, which lie anywhere in memory: the processor
  /// waits for many of them at once instead of one after the other.
  private void fetchAhead() {
    aheadTo = Math.min(end, next + AHEAD);
    long read = 0;
    for (int i = next; i < aheadTo; i++) {
      read += keys.newest(order[i]);
    }
    for (int i = next; i < aheadTo; i++) {
      read += layer.touch(keys.newest(order[i]));
    }
    ahead = read;
  }

  private long entry() {
    if (left == 0 || closed) {
      throw new IllegalStateException("the cursor stands on no version");
    }
    return entries[left - 1];
  }

  private int key() {
    if (left == 0 || closed) {
      throw new IllegalStateException("the cursor stands on no version");
    }
    return key;
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
