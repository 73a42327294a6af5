package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The layer files of a timeline, to be found by key and LSN with a {@link LayerSearch}. Immutable:
/// a change makes another one, which shares most of its parts with this one.
///
/// With `n` layers, finding the newest that holds a key below an LSN takes `O(log² n)` steps, and
/// so does each one after it, however keys and LSNs overlap: a tree of the keys at which layers
/// begin and end ({@link KeySlots}), a handful of levels deep, leads to a few ordered stacks of
/// layers ({@link LayerStack}). A change takes as many steps for each stack that its layer is in:
/// usually one to three, and for a layer of a large part of all keys, but not all, some dozens.
/// Layers of all keys, as a flush writes them, have a stack of their own.
///
/// Keys at which layers began or ended once stay in the tree. When those may be half of it, a
/// change makes the whole anew.
public final class HistoricLayers {

  static final HistoricLayers NONE = of(List.of());

  /// So many slots more than at first are never too many.
  private static final int SPARE_SLOTS = 1024;

  /// How many layers of a kind hold the keys of a range.
  public record Depth(KeyRange keys, int layers) {}

  private final int size;
  private final long bytes;
  private final @Nullable LayerStack everywhere;
  private final KeySlots root;

  /// How many slots on the lowest level of the tree there may be before it is made anew.
  private final int slotLimit;

  private final int slots;

  private HistoricLayers(
      int size,
      long bytes,
      @Nullable LayerStack everywhere,
      KeySlots root,
      int slots,
      int slotLimit) {
    this.size = size;
    this.bytes = bytes;
    this.everywhere = everywhere;
    this.root = root;
    this.slots = slots;
    this.slotLimit = slotLimit;
  }

  /// Makes the map of all layers at once.
  public static HistoricLayers of(Collection<HistoricLayer> files) {
    HistoricLayer[] all = files.toArray(HistoricLayer[]::new);
    Arrays.sort(all, LayerStack.NEWEST_FIRST);
    var whole = new ArrayList<HistoricLayer>();
    var some = new ArrayList<HistoricLayer>();
    long bytes = 0;
    for (HistoricLayer file : all) {
      (file.keys().equals(KeyRange.ALL) ? whole : some).add(file);
      bytes += file.entry().bytes();
    }
    Key[] bounds = KeySlotsBuilder.bounds(some);
    return new HistoricLayers(
        all.length,
        bytes,
        LayerStack.of(whole),
        KeySlotsBuilder.build(some, bounds),
        bounds.length,
        2 * bounds.length + all.length / 4 + SPARE_SLOTS);
  }

  HistoricLayers with(Collection<HistoricLayer> more) {
    return changed(more, List.of());
  }

  /// The map after a change; this one stays as it is.
  ///
  /// @param gone files that are in here
  /// @throws IllegalArgumentException when one of them is not
  public HistoricLayers changed(Collection<HistoricLayer> more, Collection<HistoricLayer> gone) {
    if (more.size() + gone.size() > size / 8 + 1) {
      return anew(more, gone);
    }
    Change change = new Change();
    gone.forEach(change::remove);
    more.forEach(change::add);
    HistoricLayers after = change.result();
    return after.slots > after.slotLimit ? after.anew(List.of(), List.of()) : after;
  }

  private HistoricLayers anew(Collection<HistoricLayer> more, Collection<HistoricLayer> gone) {
    Set<HistoricLayer> left = new HashSet<>(gone);
    var all = new ArrayList<HistoricLayer>(size + more.size());
    forEach(file -> {
      if (!left.remove(file)) {
        all.add(file);
      }
    });
    if (!left.isEmpty()) {
      throw new IllegalArgumentException("the layer map does not have " + left);
    }
    all.addAll(more);
    return of(all);
  }

  /// The steps from this map to the next.
  private final class Change {
    private int newSize = size;
    private long newBytes = bytes;
    private @Nullable LayerStack newEverywhere = everywhere;
    private KeySlots newRoot = root;
    private int newSlots = slots;

    void add(HistoricLayer file) {
      newSize++;
      newBytes += file.entry().bytes();
      KeyRange keys = file.keys();
      if (keys.equals(KeyRange.ALL)) {
        newEverywhere = LayerStack.with(newEverywhere, file);
      } else {
        split(keys.start());
        split(keys.end());
        newRoot = newRoot.with(file, keys.end().equals(Key.MAX));
      }
    }

    private void split(Key key) {
      if (!key.equals(Key.MAX)) {
        KeySlots changed = newRoot.split(key);
        if (changed != newRoot) {
          newSlots++;
          newRoot = KeySlots.root(changed);
        }
      }
    }

    void remove(HistoricLayer file) {
      newSize--;
      newBytes -= file.entry().bytes();
      if (file.keys().equals(KeyRange.ALL)) {
        LayerStack less = LayerStack.without(newEverywhere, file);
        if (less == newEverywhere) {
          throw new IllegalArgumentException("the layer map does not have " + file.entry().name());
        }
        newEverywhere = less;
      } else {
        newRoot = newRoot.without(file, file.keys().end().equals(Key.MAX));
      }
    }

    HistoricLayers result() {
      return new HistoricLayers(newSize, newBytes, newEverywhere, newRoot, newSlots, slotLimit);
    }
  }

  public int size() {
    return size;
  }

  /// Those of the layers that have all keys.
  @Nullable LayerStack everywhere() {
    return everywhere;
  }

  /// Where those are that do not.
  KeySlots root() {
    return root;
  }

  /// Into how many parts {@link #root()} divides the keys.
  int slots() {
    return slots;
  }

  /// Shows every layer, in no particular order.
  public void forEach(Consumer<HistoricLayer> action) {
    overlapping(KeyRange.ALL, action);
  }

  /// The layers that have keys of a range, the newest first.
  public List<HistoricLayer> overlapping(KeyRange keys) {
    var found = new ArrayList<HistoricLayer>();
    overlapping(keys, found::add);
    found.sort(LayerStack.NEWEST_FIRST);
    return found;
  }

  private void overlapping(KeyRange keys, Consumer<HistoricLayer> action) {
    if (everywhere != null) {
      everywhere.forEach(action);
    }
    root.overlapping(keys, action);
  }

  /// How many layers of a kind hold which keys: by key, without gaps in between but for keys that
  /// no such layer holds; neighbours differ in depth. Takes `O(n log n)`.
  ///
  /// @param wanted tells which layers count
  public List<Depth> depths(Predicate<LayerEntry> wanted) {
    var files = new ArrayList<HistoricLayer>();
    forEach(file -> {
      if (wanted.test(file.entry())) {
        files.add(file);
      }
    });
    return depths(files);
  }

  /// How many of some layers hold which keys, as the other method says it.
  static List<Depth> depths(Collection<HistoricLayer> files) {
    var starts = new ArrayList<Key>();
    var ends = new ArrayList<Key>();
    for (HistoricLayer file : files) {
      starts.add(file.keys().start());
      ends.add(file.keys().end());
    }
    starts.sort(null);
    ends.sort(null);
    var depths = new ArrayList<Depth>();
    Key from = Key.MIN;
    int depth = 0;
    int begun = 0;
    for (int ended = 0; ended < ends.size(); ) {
      boolean begins = begun < starts.size() && starts.get(begun).compareTo(ends.get(ended)) < 0;
      Key at = begins ? starts.get(begun) : ends.get(ended);
      int before = depth;
      while (begun < starts.size() && starts.get(begun).equals(at)) {
        begun++;
        depth++;
      }
      while (ended < ends.size() && ends.get(ended).equals(at)) {
        ended++;
        depth--;
      }
      if (depth != before) {
        if (before > 0) {
          depths.add(new Depth(new KeyRange(from, at), before));
        }
        from = at;
      }
    }
    return depths;
  }

  /// The size of all files together.
  public long bytes() {
    return bytes;
  }
}
