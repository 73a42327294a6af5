package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A node of the tree over the keys at which layers begin and end; immutable. It divides its keys
/// into slots, and each slot that is divided further has a node of its own below.
///
/// A layer stands in the stacks of the slots that it covers wholly, and there only, not in those
/// below them. So the layers that hold a key are those in the stacks on the way down to the key: a
/// handful of stacks, each of which has its layers in order. Of most layers that are there twice or
/// so; a layer of half of all keys is in a few dozen stacks.
///
/// Layers begin and end only where slots do: {@link #split} comes before {@link #with}. When a node
/// is divided because it grew, both halves keep its stack. A slot that a layer covers wholly may
/// therefore have it in all slots below instead of its own stack.
final class KeySlots {

  /// How many slots a node has when it is made of many layers at once.
  static final int USUAL = 40;

  private static final int MOST = 64;
  private static final int PARTS = 3;

  /// Where each slot starts: a key's upper, middle and lower part.
  private final long[] starts;

  /// What the starts differ in, if only their relations' lower 24 bits, forks and blocks do: one
  /// `long` for each, in signed order, quicker to compare. Null when they differ in more.
  private final long @Nullable [] tails;

  private final long firstUpper;
  private final long firstMiddle;

  private final @Nullable LayerStack[] stacks;

  /// Null on the lowest level.
  private final KeySlots @Nullable [] below;

  private KeySlots(long[] starts, @Nullable LayerStack[] stacks, KeySlots @Nullable [] below) {
    this.starts = starts;
    this.tails = tails(starts);
    this.firstUpper = starts[0];
    this.firstMiddle = starts[1];
    this.stacks = stacks;
    this.below = below;
  }

  static KeySlots of(Key[] starts, @Nullable LayerStack[] stacks, KeySlots @Nullable [] below) {
    long[] parts = new long[starts.length * PARTS];
    for (int i = 0; i < starts.length; i++) {
      parts[i * PARTS] = starts[i].upper();
      parts[i * PARTS + 1] = starts[i].middle();
      parts[i * PARTS + 2] = starts[i].lower();
    }
    return new KeySlots(parts, stacks, below);
  }

  private static long @Nullable [] tails(long[] starts) {
    int last = starts.length - PARTS;
    if (starts[0] != starts[last] || !sameButTail(starts[1], starts[last + 1])) {
      return null;
    }
    long[] tails = new long[starts.length / PARTS];
    for (int i = 0; i < tails.length; i++) {
      tails[i] = tail(starts[i * PARTS + 1], starts[i * PARTS + 2]);
    }
    return tails;
  }

  private static boolean sameButTail(long middle, long otherMiddle) {
    return (middle ^ otherMiddle) >>> 24 == 0;
  }

  private static long tail(long middle, long lower) {
    return (middle << 40 | lower) ^ Long.MIN_VALUE;
  }

  int slots() {
    return stacks.length;
  }

  @Nullable LayerStack stack(int slot) {
    return stacks[slot];
  }

  /// @return null when the slots are not divided further
  @Nullable KeySlots below(int slot) {
    return below == null ? null : below[slot];
  }

  /// The slot of a key that is not below the first.
  int slotOf(long upper, long middle, long lower) {
    long[] differing = tails;
    if (differing == null) {
      return slotOfDistant(upper, middle, lower);
    }
    if (upper != firstUpper || !sameButTail(middle, firstMiddle)) {
      return differing.length - 1; // as it is not below the first, it is above all
    }
    long tail = tail(middle, lower);
    int low = 0;
    int count = differing.length;
    while (count > 1) {
      int half = count >>> 1;
      low = differing[low + half] <= tail ? low + half : low;
      count -= half;
    }
    return low;
  }

  private int slotOfDistant(long upper, long middle, long lower) {
    int low = 0;
    int high = stacks.length;
    while (high - low > 1) {
      int between = (low + high) >>> 1;
      if (startsAtOrBefore(between, upper, middle, lower)) {
        low = between;
      } else {
        high = between;
      }
    }
    return low;
  }

  boolean startsAtOrBefore(int slot, long upper, long middle, long lower) {
    int at = slot * PARTS;
    long first = starts[at];
    if (first != upper) {
      return Long.compareUnsigned(first, upper) < 0;
    }
    long second = starts[at + 1];
    if (second != middle) {
      return Long.compareUnsigned(second, middle) < 0;
    }
    return Long.compareUnsigned(starts[at + 2], lower) <= 0;
  }

  private int compareStart(int slot, Key key) {
    int at = slot * PARTS;
    return Key.compare(
        starts[at], starts[at + 1], starts[at + 2], key.upper(), key.middle(), key.lower());
  }

  private int firstSlot(KeyRange keys) {
    Key start = keys.start();
    return compareStart(0, start) >= 0 ? 0 : slotOf(start.upper(), start.middle(), start.lower());
  }

  /// Makes a root of what {@link #split} gave.
  static KeySlots root(KeySlots changed) {
    if (changed.slots() <= MOST) {
      return changed;
    }
    KeySlots[] halves = {changed.firstHalf(), changed.secondHalf()};
    long[] starts = new long[2 * PARTS];
    System.arraycopy(halves[0].starts, 0, starts, 0, PARTS);
    System.arraycopy(halves[1].starts, 0, starts, PARTS, PARTS);
    return new KeySlots(starts, new @Nullable LayerStack[2], halves);
  }

  private KeySlots firstHalf() {
    return part(0, slots() / 2);
  }

  private KeySlots secondHalf() {
    return part(slots() / 2, slots());
  }

  private KeySlots part(int from, int to) {
    return new KeySlots(
        Arrays.copyOfRange(starts, from * PARTS, to * PARTS),
        Arrays.copyOfRange(stacks, from, to),
        below == null ? null : Arrays.copyOfRange(below, from, to));
  }

  /// Lets a slot start at the key.
  ///
  /// @return this, if one does already; a node that may have one slot too many
  KeySlots split(Key key) {
    int slot = slotOf(key.upper(), key.middle(), key.lower());
    if (below == null) {
      return compareStart(slot, key) == 0
          ? this
          : inserted(slot, new long[] {key.upper(), key.middle(), key.lower()}, null);
    }
    KeySlots before = below[slot];
    KeySlots after = before.split(key);
    if (after == before) {
      return this;
    }
    if (after.slots() <= MOST) {
      KeySlots[] changed = below.clone();
      changed[slot] = after;
      return new KeySlots(starts, stacks, changed);
    }
    KeySlots second = after.secondHalf();
    KeySlots[] two = {after.firstHalf(), second};
    return inserted(slot, second.starts, two);
  }

  /// Divides a slot in two with the same stack.
  ///
  /// @param start where the second begins, in its first parts
  private KeySlots inserted(int slot, long[] start, KeySlots @Nullable [] two) {
    int next = slot + 1;
    long[] newStarts = new long[starts.length + PARTS];
    System.arraycopy(starts, 0, newStarts, 0, next * PARTS);
    System.arraycopy(start, 0, newStarts, next * PARTS, PARTS);
    System.arraycopy(
        starts, next * PARTS, newStarts, (next + 1) * PARTS, starts.length - next * PARTS);
    var newStacks = new @Nullable LayerStack[slots() + 1];
    System.arraycopy(stacks, 0, newStacks, 0, next);
    System.arraycopy(stacks, slot, newStacks, next, slots() - slot);
    if (below == null || two == null) {
      return new KeySlots(newStarts, newStacks, null);
    }
    KeySlots[] newBelow = new KeySlots[slots() + 1];
    System.arraycopy(below, 0, newBelow, 0, slot);
    System.arraycopy(two, 0, newBelow, slot, 2);
    System.arraycopy(below, next, newBelow, next + 1, slots() - next);
    return new KeySlots(newStarts, newStacks, newBelow);
  }

  /// Adds a layer whose keys begin and end where slots do.
  ///
  /// @param toEnd whether its keys go to the end of the last slot
  KeySlots with(HistoricLayer file, boolean toEnd) {
    return changed(file, toEnd, true);
  }

  /// @throws IllegalArgumentException when the layer is not here
  KeySlots without(HistoricLayer file, boolean toEnd) {
    return changed(file, toEnd, false);
  }

  private KeySlots changed(HistoricLayer file, boolean toEnd, boolean add) {
    KeyRange keys = file.keys();
    @Nullable LayerStack[] newStacks = stacks.clone();
    KeySlots[] newBelow = below == null ? null : below.clone();
    for (int i = firstSlot(keys); i < slots() && compareStart(i, keys.end()) < 0; i++) {
      boolean slotToEnd = i + 1 < slots() ? compareStart(i + 1, keys.end()) <= 0 : toEnd;
      boolean covered = slotToEnd && compareStart(i, keys.start()) >= 0;
      if (covered && add) {
        newStacks[i] = LayerStack.with(stacks[i], file);
        continue;
      }
      LayerStack less = covered ? LayerStack.without(stacks[i], file) : stacks[i];
      if (less != stacks[i]) {
        newStacks[i] = less;
      } else if (newBelow != null) {
        newBelow[i] = newBelow[i].changed(file, slotToEnd, add);
      } else {
        throw new IllegalArgumentException("the layer map does not have " + file.entry().name());
      }
    }
    return new KeySlots(starts, newStacks, newBelow);
  }

  /// Shows every layer that has keys of a range, once each: in the slot in which the layer or the
  /// range begins, whichever is later.
  void overlapping(KeyRange keys, Consumer<HistoricLayer> action) {
    for (int i = firstSlot(keys); i < slots() && compareStart(i, keys.end()) < 0; i++) {
      int slot = i;
      LayerStack stack = stacks[i];
      if (stack != null) {
        boolean first = compareStart(slot, keys.start()) <= 0;
        stack.forEach(file -> {
          if (first || compareStart(slot, file.keys().start()) == 0) {
            action.accept(file);
          }
        });
      }
      if (below != null) {
        below[i].overlapping(keys, action);
      }
    }
  }
}
