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
    private boolean found;

    void set(LayerStack.Leaf newLeaf, int newIndex, int newBefore, long newEnd) {
      if (leaf != newLeaf) { // writing a reference costs more than reading it
        leaf = newLeaf;
      }
      index = newIndex;
      before = newBefore;
      end = newEnd;
    }

    private void begin(long endLsn) {
      found = stack != null && stack.seek(0, endLsn, 0, this);
    }

    private void advance(long endLsn) {
      LayerStack.Leaf at = leaf;
      LayerStack all = stack;
      if (at == null || all == null) {
        found = false;
      } else {
        found =
            at.seek(index + 1, endLsn, before, this)
                || all.seek(before + at.count(), endLsn, 0, this);
      }
    }

    /// Whether a read asks this one's layer first.
    private boolean isNewer(Lane that) {
      int order = Long.compareUnsigned(end, that.end);
      return order == 0 ? LayerStack.NEWEST_FIRST.compare(file(), that.file()) < 0 : order > 0;
    }

    private HistoricLayer file() {
      if (leaf == null) {
        throw new IllegalStateException("there is no layer");
      }
      return leaf.file(index);
    }

    private void clear() {
      stack = null;
      leaf = null;
      found = false;
    }
  }

  private Lane[] lanes = {new Lane(), new Lane(), new Lane(), new Lane()};

  /// How many of the lanes have a stack of the present slot.
  private int used;

  /// The lane of the layer that was found last.
  private @Nullable Lane current;

  private @Nullable HistoricLayers layers;
  private @Nullable KeySlots node;
  private int slot;
  private long endLsn;

  /// Begins a search.
  ///
  /// @param newEndLsn layers that begin at it or later do not count
  public void start(HistoricLayers newLayers, long upper, long middle, long lower, long newEndLsn) {
    if (newLayers != layers || !isHere(upper, middle, lower)) {
      descend(newLayers, upper, middle, lower);
    }
    endLsn = newEndLsn;
    current = null;
    for (int i = 0; i < used; i++) {
      lanes[i].begin(newEndLsn);
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
    used = 0;
    if (newLayers.everywhere() != null) {
      add(newLayers.everywhere());
    }
    KeySlots at = newLayers.root();
    while (true) {
      int found = at.slotOf(upper, middle, lower);
      LayerStack stack = at.stack(found);
      if (stack != null) {
        add(stack);
      }
      KeySlots below = at.below(found);
      if (below == null) {
        node = at;
        slot = found;
        return;
      }
      at = below;
    }
  }

  private void add(LayerStack stack) {
    if (used == lanes.length) {
      lanes = Arrays.copyOf(lanes, 2 * used);
      for (int i = used; i < lanes.length; i++) {
        lanes[i] = new Lane();
      }
    }
    lanes[used++].stack = stack;
  }

  /// Goes to the next layer.
  ///
  /// @return false when there is none left
  public boolean next() {
    if (current != null) {
      current.advance(endLsn);
    }
    Lane newest = null;
    for (int i = 0; i < used; i++) {
      Lane lane = lanes[i];
      if (lane.found && (newest == null || lane.isNewer(newest))) {
        newest = lane;
      }
    }
    current = newest;
    return newest != null;
  }

  /// The layer that {@link #next()} went to.
  public HistoricLayer file() {
    return found().file();
  }

  /// The excluded end of its LSN range.
  public long end() {
    return found().end;
  }

  private Lane found() {
    if (current == null) {
      throw new IllegalStateException("there is no layer");
    }
    return current;
  }

  /// Lets go of the layers.
  public void clear() {
    for (Lane lane : lanes) {
      lane.clear();
    }
    used = 0;
    current = null;
    layers = null;
    node = null;
  }
}
