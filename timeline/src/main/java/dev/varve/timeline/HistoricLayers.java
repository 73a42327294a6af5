package dev.varve.timeline;

import dev.varve.layer.ImageLayer;
import dev.varve.layer.Layer;
import dev.varve.model.Key;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// The layer files of a timeline, in the order in which a read asks them: by the end of their LSN
/// range, the newest first. Immutable.
///
/// A binary tree over that order, kept in arrays, holds for each of its nodes the range of keys and
/// the lowest LSN of the layers below it. So {@link #next} leaps over layers that lie beside the
/// key, or above the LSN: thousands of them cost a dozen comparisons. Layers that cover all keys
/// are met one by one; their own filters make that cheap.
///
/// Node 1 is the root; the children of node `n` are `2n` and `2n + 1`; leaf `i` is node `leaves +
/// i`. A node's bounds take eight `long`s: the first key's parts, the end key's parts, the lowest
/// LSN start, and one unused.
///
/// Allocates nothing while it is searched.
final class HistoricLayers {

  static final HistoricLayers NONE = new HistoricLayers(List.of());

  private static final int START = 0;
  private static final int END = 3;
  private static final int LSN = 6;
  private static final int STRIDE = 8;

  private static final Comparator<HistoricLayer> NEWEST_FIRST =
      Comparator.comparing((HistoricLayer file) -> file.layer().lsns().end())
          .reversed()
          .thenComparingInt(file -> file.layer() instanceof ImageLayer ? 0 : 1)
          .thenComparing(file -> file.keys().start())
          .thenComparing(file -> file.entry().name().fileName());

  private final HistoricLayer[] files;
  private final Layer[] layers;
  private final long[] ends;
  private final int leaves;
  private final long[] nodes;

  private HistoricLayers(Collection<HistoricLayer> unordered) {
    files = unordered.toArray(HistoricLayer[]::new);
    Arrays.sort(files, NEWEST_FIRST);
    layers = new Layer[files.length];
    ends = new long[files.length];
    leaves = Math.max(1, Integer.highestOneBit(Math.max(1, files.length * 2 - 1)));
    nodes = new long[2 * leaves * STRIDE];
    for (int i = 0; i < leaves; i++) {
      if (i < files.length) {
        layers[i] = files[i].layer();
        ends[i] = layers[i].lsns().end().value();
        setLeaf((leaves + i) * STRIDE, files[i]);
      } else {
        setNothing((leaves + i) * STRIDE);
      }
    }
    for (int node = leaves - 1; node > 0; node--) {
      setUnion(node * STRIDE, 2 * node * STRIDE, (2 * node + 1) * STRIDE);
    }
  }

  static HistoricLayers of(Collection<HistoricLayer> files) {
    return files.isEmpty() ? NONE : new HistoricLayers(files);
  }

  HistoricLayers with(Collection<HistoricLayer> more) {
    return changed(more, List.of());
  }

  /// @param gone files that are in here
  HistoricLayers changed(Collection<HistoricLayer> more, Collection<HistoricLayer> gone) {
    var all = new ArrayList<>(List.of(files));
    if (!gone.isEmpty()) {
      all.removeAll(Set.copyOf(gone));
    }
    all.addAll(more);
    return of(all);
  }

  private void setLeaf(int at, HistoricLayer file) {
    setKey(at + START, file.keys().start());
    setKey(at + END, file.keys().end());
    nodes[at + LSN] = file.layer().lsns().start().value();
  }

  private void setKey(int at, Key key) {
    nodes[at] = key.upper();
    nodes[at + 1] = key.middle();
    nodes[at + 2] = key.lower();
  }

  private void setNothing(int at) {
    setKey(at + START, Key.MAX);
    setKey(at + END, Key.MIN);
    nodes[at + LSN] = -1;
  }

  private void setUnion(int at, int a, int b) {
    System.arraycopy(nodes, compareKeys(a + START, b + START) <= 0 ? a : b, nodes, at, 3);
    int last = compareKeys(a + END, b + END) >= 0 ? a : b;
    System.arraycopy(nodes, last + END, nodes, at + END, 3);
    boolean firstIsLower = Long.compareUnsigned(nodes[a + LSN], nodes[b + LSN]) < 0;
    nodes[at + LSN] = nodes[(firstIsLower ? a : b) + LSN];
  }

  private int compareKeys(int a, int b) {
    return Key.compare(nodes[a], nodes[a + 1], nodes[a + 2], nodes[b], nodes[b + 1], nodes[b + 2]);
  }

  int size() {
    return files.length;
  }

  Layer layer(int index) {
    return layers[index];
  }

  /// The excluded end of the layer's LSN range.
  long end(int index) {
    return ends[index];
  }

  /// The next layer that may have versions of the key with an LSN below `endLsn`.
  ///
  /// @param from the lowest index to look at
  /// @return its index, or -1
  int next(int from, long upper, long middle, long lower, long endLsn) {
    if (from >= files.length) {
      return -1;
    }
    int node = leaves + from;
    while (true) {
      if (mayHold(node * STRIDE, upper, middle, lower, endLsn)) {
        if (node >= leaves) {
          return node - leaves;
        }
        node *= 2;
      } else {
        while ((node & 1) == 1) {
          node >>= 1;
        }
        if (node == 0) {
          return -1;
        }
        node++;
      }
    }
  }

  private boolean mayHold(int at, long upper, long middle, long lower, long endLsn) {
    return Long.compareUnsigned(nodes[at + LSN], endLsn) < 0
        && isAtMost(at + START, upper, middle, lower)
        && !isAtMost(at + END, upper, middle, lower);
  }

  private boolean isAtMost(int at, long upper, long middle, long lower) {
    return Key.compare(nodes[at], nodes[at + 1], nodes[at + 2], upper, middle, lower) <= 0;
  }

  void forEach(Consumer<HistoricLayer> action) {
    for (HistoricLayer file : files) {
      action.accept(file);
    }
  }

  long bytes() {
    long sum = 0;
    for (HistoricLayer file : files) {
      sum += file.entry().bytes();
    }
    return sum;
  }
}
