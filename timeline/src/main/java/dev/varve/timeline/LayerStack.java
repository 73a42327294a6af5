package dev.varve.timeline;

import dev.varve.layer.LayerKind;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Layers that all hold the same stretch of keys, in the order in which a read asks them: by the
/// end of their LSN range, the newest first. Immutable.
///
/// A B-tree: a change copies the few nodes on its way, and shares all others with the stack before
/// it. Each node knows the lowest LSN start below each of its children, so that {@link #seek} goes
/// straight to the next layer that begins below an LSN, however much the LSN ranges overlap.
abstract sealed class LayerStack {

  /// Of two that end together an image comes first: nothing of the other may be needed.
  static final Comparator<HistoricLayer> NEWEST_FIRST =
      Comparator.comparing((HistoricLayer file) -> file.lsns().end())
          .reversed()
          .thenComparingInt(file -> file.kind() == LayerKind.IMAGE ? 0 : 1)
          .thenComparing(file -> file.keys().start())
          .thenComparing(file -> file.keys().end())
          .thenComparing(file -> file.lsns().start())
          .thenComparing(file -> file.entry().name().keys().start());

  private static final int MOST = 32;

  /// A node with fewer is joined with its neighbour, if they fit into one.
  private static final int FEW = 8;

  /// @param sorted by {@link #NEWEST_FIRST}
  /// @return null: none
  static @Nullable LayerStack of(List<HistoricLayer> sorted) {
    if (sorted.isEmpty()) {
      return null;
    }
    HistoricLayer[] all = sorted.toArray(HistoricLayer[]::new);
    LayerStack[] nodes = new LayerStack[parts(all.length)];
    for (int i = 0; i < nodes.length; i++) {
      nodes[i] = Leaf.of(Arrays.copyOfRange(all, i * MOST, Math.min((i + 1) * MOST, all.length)));
    }
    while (nodes.length > 1) {
      LayerStack[] above = new LayerStack[parts(nodes.length)];
      for (int i = 0; i < above.length; i++) {
        above[i] =
            new Branch(Arrays.copyOfRange(nodes, i * MOST, Math.min((i + 1) * MOST, nodes.length)));
      }
      nodes = above;
    }
    return nodes[0];
  }

  private static int parts(int count) {
    return (count + MOST - 1) / MOST;
  }

  static LayerStack with(@Nullable LayerStack stack, HistoricLayer file) {
    if (stack == null) {
      return Leaf.of(new HistoricLayer[] {file});
    }
    LayerStack changed = stack.plus(file);
    return changed.width() <= MOST
        ? changed
        : new Branch(new LayerStack[] {changed.firstHalf(), changed.secondHalf()});
  }

  /// @return `stack` itself when the layer is not in it; null when it was the last one
  static @Nullable LayerStack without(@Nullable LayerStack stack, HistoricLayer file) {
    LayerStack changed = stack == null ? null : stack.minus(file);
    while (changed instanceof Branch branch && branch.children.length == 1) {
      changed = branch.children[0];
    }
    return changed;
  }

  /// Finds the first layer, in this order, that begins below an LSN.
  ///
  /// @param from how many layers to skip
  /// @param before what the lane counts before this node
  /// @return false when there is none, and the lane is as it was
  abstract boolean seek(int from, long endLsn, int before, LayerSearch.Lane lane);

  abstract void forEach(Consumer<HistoricLayer> action);

  abstract int count();

  abstract HistoricLayer first();

  abstract long lowestStart();

  abstract int width();

  abstract LayerStack firstHalf();

  abstract LayerStack secondHalf();

  abstract LayerStack joined(LayerStack next);

  /// May be one too wide.
  abstract LayerStack plus(HistoricLayer file);

  abstract @Nullable LayerStack minus(HistoricLayer file);

  /// The layers, and what a search needs of them side by side.
  static final class Leaf extends LayerStack {

    private final long[] starts;
    private final long[] ends;
    private final HistoricLayer[] files;

    private Leaf(long[] starts, long[] ends, HistoricLayer[] files) {
      this.starts = starts;
      this.ends = ends;
      this.files = files;
    }

    static Leaf of(HistoricLayer[] files) {
      long[] starts = new long[files.length];
      long[] ends = new long[files.length];
      for (int i = 0; i < files.length; i++) {
        starts[i] = files[i].lsns().start().value();
        ends[i] = files[i].lsns().end().value();
      }
      return new Leaf(starts, ends, files);
    }

    HistoricLayer file(int index) {
      return files[index];
    }

    @Override
    boolean seek(int from, long endLsn, int before, LayerSearch.Lane lane) {
      for (int i = from; i < starts.length; i++) {
        if (Long.compareUnsigned(starts[i], endLsn) < 0) {
          lane.set(this, i, before, ends[i]);
          return true;
        }
      }
      return false;
    }

    @Override
    void forEach(Consumer<HistoricLayer> action) {
      for (HistoricLayer file : files) {
        action.accept(file);
      }
    }

    @Override
    int count() {
      return files.length;
    }

    @Override
    HistoricLayer first() {
      return files[0];
    }

    @Override
    long lowestStart() {
      long lowest = starts[0];
      for (long start : starts) {
        lowest = PageReader.min(lowest, start);
      }
      return lowest;
    }

    @Override
    int width() {
      return files.length;
    }

    private Leaf part(int from, int to) {
      return new Leaf(
          Arrays.copyOfRange(starts, from, to),
          Arrays.copyOfRange(ends, from, to),
          Arrays.copyOfRange(files, from, to));
    }

    @Override
    LayerStack firstHalf() {
      return part(0, files.length / 2);
    }

    @Override
    LayerStack secondHalf() {
      return part(files.length / 2, files.length);
    }

    @Override
    LayerStack joined(LayerStack next) {
      HistoricLayer[] more = ((Leaf) next).files;
      HistoricLayer[] all = Arrays.copyOf(files, files.length + more.length);
      System.arraycopy(more, 0, all, files.length, more.length);
      return of(all);
    }

    @Override
    LayerStack plus(HistoricLayer file) {
      int found = Arrays.binarySearch(files, file, NEWEST_FIRST);
      int at = found < 0 ? -found - 1 : found;
      long start = file.lsns().start().value();
      long end = file.lsns().end().value();
      HistoricLayer[] more = new HistoricLayer[files.length + 1];
      System.arraycopy(files, 0, more, 0, at);
      more[at] = file;
      System.arraycopy(files, at, more, at + 1, files.length - at);
      return new Leaf(inserted(starts, at, start), inserted(ends, at, end), more);
    }

    private static long[] inserted(long[] values, int at, long value) {
      long[] more = new long[values.length + 1];
      System.arraycopy(values, 0, more, 0, at);
      more[at] = value;
      System.arraycopy(values, at, more, at + 1, values.length - at);
      return more;
    }

    @Override
    @Nullable LayerStack minus(HistoricLayer file) {
      int at = Arrays.binarySearch(files, file, NEWEST_FIRST);
      if (at < 0 || !files[at].equals(file)) {
        return this;
      }
      if (files.length == 1) {
        return null;
      }
      HistoricLayer[] less = new HistoricLayer[files.length - 1];
      System.arraycopy(files, 0, less, 0, at);
      System.arraycopy(files, at + 1, less, at, less.length - at);
      return of(less);
    }
  }

  /// Nodes of equal height.
  static final class Branch extends LayerStack {

    private final LayerStack[] children;

    /// The lowest LSN start of each child.
    private final long[] starts;

    /// How many layers each child and those before it have.
    private final int[] counts;

    Branch(LayerStack[] children) {
      this.children = children;
      starts = new long[children.length];
      counts = new int[children.length];
      int sum = 0;
      for (int i = 0; i < children.length; i++) {
        starts[i] = children[i].lowestStart();
        sum += children[i].count();
        counts[i] = sum;
      }
    }

    @Override
    boolean seek(int from, long endLsn, int before, LayerSearch.Lane lane) {
      for (int i = 0; i < starts.length; i++) {
        if (counts[i] > from && Long.compareUnsigned(starts[i], endLsn) < 0) {
          int skipped = i == 0 ? 0 : counts[i - 1];
          if (children[i].seek(Math.max(0, from - skipped), endLsn, before + skipped, lane)) {
            return true;
          }
        }
      }
      return false;
    }

    @Override
    void forEach(Consumer<HistoricLayer> action) {
      for (LayerStack child : children) {
        child.forEach(action);
      }
    }

    @Override
    int count() {
      return counts[counts.length - 1];
    }

    @Override
    HistoricLayer first() {
      return children[0].first();
    }

    @Override
    long lowestStart() {
      long lowest = starts[0];
      for (long start : starts) {
        lowest = PageReader.min(lowest, start);
      }
      return lowest;
    }

    @Override
    int width() {
      return children.length;
    }

    @Override
    LayerStack firstHalf() {
      return new Branch(Arrays.copyOf(children, children.length / 2));
    }

    @Override
    LayerStack secondHalf() {
      return new Branch(Arrays.copyOfRange(children, children.length / 2, children.length));
    }

    @Override
    LayerStack joined(LayerStack next) {
      return new Branch(replaced(children.length, 0, children, ((Branch) next).children));
    }

    /// The last child that begins at the file or before it.
    private int childOf(HistoricLayer file) {
      int low = 0;
      int high = children.length;
      while (high - low > 1) {
        int middle = (low + high) >>> 1;
        if (NEWEST_FIRST.compare(children[middle].first(), file) <= 0) {
          low = middle;
        } else {
          high = middle;
        }
      }
      return low;
    }

    @Override
    LayerStack plus(HistoricLayer file) {
      int at = childOf(file);
      LayerStack child = children[at].plus(file);
      return new Branch(
          child.width() <= MOST
              ? replaced(at, 1, children, child)
              : replaced(at, 1, children, child.firstHalf(), child.secondHalf()));
    }

    @Override
    @Nullable LayerStack minus(HistoricLayer file) {
      int at = childOf(file);
      LayerStack child = children[at].minus(file);
      if (child == children[at]) {
        return this;
      }
      if (child == null) {
        return children.length == 1 ? null : new Branch(replaced(at, 1, children));
      }
      if (child.width() < FEW && children.length > 1) {
        boolean last = at == children.length - 1;
        LayerStack neighbour = children[last ? at - 1 : at + 1];
        if (child.width() + neighbour.width() <= MOST) {
          LayerStack both = last ? neighbour.joined(child) : child.joined(neighbour);
          return new Branch(replaced(last ? at - 1 : at, 2, children, both));
        }
      }
      return new Branch(replaced(at, 1, children, child));
    }

    /// `nodes`, but for `count` of them from `at` on, instead of which there are `others`.
    private static LayerStack[] replaced(
        int at, int count, LayerStack[] nodes, LayerStack... others) {
      LayerStack[] changed = new LayerStack[nodes.length - count + others.length];
      System.arraycopy(nodes, 0, changed, 0, at);
      System.arraycopy(others, 0, changed, at, others.length);
      int after = at + count;
      System.arraycopy(nodes, after, changed, at + others.length, nodes.length - after);
      return changed;
    }
  }
}
