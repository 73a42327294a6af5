package dev.varve.timeline;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Walks the layer files that may hold a key below an LSN, by the end of their LSN range, the
/// newest first. For one thread at a time, and made to be used again and again: it allocates
/// nothing while it searches.
///
/// ```java
/// search.start(files, key.upper(), key.middle(), key.lower(), endLsn);
/// while (search.next()) {
///   search.file() ...
/// }
/// search.clear();
/// ```
///
/// A search for a key beside the last one, in the same layers, is quicker: ask for a batch of keys
/// in their order.
public final class LayerSearch {

  /// Where the search is in one of the stacks on the way down to the key.
  static final class Lane {
    private @Nullable LayerStack stack;
    private LayerStack.@Nullable Leaf leaf;
    private int index;
    private int before;
    private long end;

    void set(LayerStack.Leaf newLeaf, int newIndex, int newBefore, long newEnd) {
      leaf = newLeaf;
      index = newIndex;
      before = newBefore;
      end = newEnd;
    }

    private boolean begin(long endLsn) {
      return stack != null && stack.seek(0, endLsn, 0, this);
    }

    private boolean advance(long endLsn) {
      return leaf != null
          && (leaf.seek(index + 1, endLsn, before, this)
              || stack != null && stack.seek(before + leaf.count(), endLsn, 0, this));
    }

    private @Nullable HistoricLayer file() {
      return leaf == null ? null : leaf.file(index);
    }

    private void clear() {
      stack = null;
      leaf = null;
    }
  }

  private Lane[] lanes = {new Lane(), new Lane(), new Lane(), new Lane()};

  /// The stacks of the present slot, all of them, are those of the first lanes.
  private int stacks;

  /// The lanes that have layers left, in `active`.
  private int left;

  private Lane[] active = new Lane[lanes.length];

  private @Nullable HistoricLayers layers;
  private @Nullable KeySlots node;
  private int slot;

  private long endLsn;
  private @Nullable HistoricLayer file;
  private long end;

  /// Begins a search.
  ///
  /// @param newEndLsn layers that begin at it or later do not count
  public void start(
      HistoricLayers newLayers, long upper, long middle, long lower, long newEndLsn) {
    if (newLayers != layers || !isHere(upper, middle, lower)) {
      descend(newLayers, upper, middle, lower);
    }
    endLsn = newEndLsn;
    left = 0;
    for (int i = 0; i < stacks; i++) {
      Lane lane = lanes[i];
      if (lane.begin(newEndLsn)) {
        active[left++] = lane;
      }
    }
  }

  private boolean isHere(long upper, long middle, long lower) {
    return node != null
        && node.startsAtOrBefore(slot, upper, middle, lower)
        && slot + 1 < node.slots()
        && !node.startsAtOrBefore(slot + 1, upper, middle, lower);
  }

  private void descend(HistoricLayers newLayers, long upper, long middle, long lower) {
    layers = newLayers;
    stacks = 0;
    if (newLayers.everywhere() != null) {
      add(newLayers.everywhere());
    }
    KeySlots at = newLayers.root();
    while (at != null) {
      node = at;
      slot = at.slotOf(upper, middle, lower);
      LayerStack stack = at.stack(slot);
      if (stack != null) {
        add(stack);
      }
      at = at.below(slot);
    }
  }

  private void add(LayerStack stack) {
    if (stacks == lanes.length) {
      lanes = Arrays.copyOf(lanes, 2 * stacks);
      for (int i = stacks; i < lanes.length; i++) {
        lanes[i] = new Lane();
      }
      active = new Lane[lanes.length];
    }
    lanes[stacks++].stack = stack;
  }

  /// Goes to the next layer.
  ///
  /// @return false when there is none left
  public boolean next() {
    if (left == 0) {
      return false;
    }
    int newest = 0;
    for (int i = 1; i < left; i++) {
      if (isNewer(active[i], active[newest])) {
        newest = i;
      }
    }
    Lane lane = active[newest];
    file = lane.file();
    end = lane.end;
    if (!lane.advance(endLsn)) {
      active[newest] = active[--left];
    }
    return true;
  }

  private static boolean isNewer(Lane a, Lane b) {
    int order = Long.compareUnsigned(a.end, b.end);
    return order > 0
        || order == 0
            && a.file() != null
            && b.file() != null
            && LayerStack.NEWEST_FIRST.compare(a.file(), b.file()) < 0;
  }

  /// The layer that {@link #next()} went to.
  public HistoricLayer file() {
    if (file == null) {
      throw new IllegalStateException("no layer was found yet");
    }
    return file;
  }

  /// The excluded end of its LSN range.
  public long end() {
    return end;
  }

  /// Lets go of the layers.
  public void clear() {
    for (int i = 0; i < lanes.length; i++) {
      lanes[i].clear();
    }
    left = 0;
    stacks = 0;
    layers = null;
    node = null;
    file = null;
  }
}
