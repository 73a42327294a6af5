package dev.varve.timeline;

import dev.varve.layer.LayerCursor;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/// Walks over the versions of several layer files at once, ordered by key and then LSN, ascending;
/// of two versions with one key and LSN, one is shown. For one thread.
///
/// A layer is opened when the walk comes to its first key, so that a walk over many layers beside
/// each other holds few of them. Moving on allocates nothing.
final class MergeSources implements AutoCloseable {

  private static final Comparator<HistoricLayer> BY_FIRST_KEY =
      Comparator.comparing((HistoricLayer file) -> file.keys().start())
          .thenComparing(file -> file.layer().lsns().start());

  private record Source(LayerCursor cursor, boolean reason) {}

  /// By their first keys; those before `opened` have been opened.
  private final List<HistoricLayer> files;

  private final Set<HistoricLayer> reasons;
  private int activeReasons;
  private int opened;

  /// A binary heap: the source that stands on the lowest version is the first.
  private Source[] heap = new Source[16];

  private int size;
  private boolean begun;

  /// @param files of which the caller holds references
  /// @param reasons those of them that {@link #activeReasons} counts
  MergeSources(List<HistoricLayer> files, Set<HistoricLayer> reasons) {
    this.reasons = reasons;
    var sorted = new ArrayList<>(files);
    sorted.sort(BY_FIRST_KEY);
    this.files = List.copyOf(sorted);
  }

  /// Moves to the next version.
  ///
  /// @return false when there is none
  boolean next() throws IOException {
    if (!begun) {
      begun = true;
    } else {
      skip();
    }
    openDue();
    return size > 0;
  }

  /// Moves past the version that the walk stands on, and past others of its key and LSN.
  private void skip() throws IOException {
    LayerCursor top = heap[0].cursor;
    long upper = top.upper();
    long middle = top.middle();
    long lower = top.lower();
    long lsn = top.lsn();
    do {
      advanceFirst();
      top = size == 0 ? null : heap[0].cursor;
    } while (top != null
        && top.lsn() == lsn
        && top.lower() == lower
        && top.middle() == middle
        && top.upper() == upper);
  }

  private void advanceFirst() throws IOException {
    Source first = heap[0];
    if (!first.cursor.next()) {
      first.cursor.close();
      activeReasons -= first.reason ? 1 : 0;
      size--;
      heap[0] = heap[size];
    }
    siftDown();
  }

  /// Opens what begins at or before the version that the walk stands on.
  private void openDue() throws IOException {
    while (opened < files.size() && (size == 0 || isDue(files.get(opened)))) {
      HistoricLayer file = files.get(opened);
      opened++;
      KeyRange keys = file.keys();
      LayerCursor cursor = file.layer().cursor(keys);
      boolean any = false;
      try {
        any = cursor.next();
      } finally {
        if (any) {
          push(new Source(cursor, reasons.contains(file)));
        } else {
          cursor.close();
        }
      }
    }
  }

  private boolean isDue(HistoricLayer file) {
    LayerCursor top = heap[0].cursor;
    Key start = file.keys().start();
    return Key.compare(
            start.upper(), start.middle(), start.lower(), top.upper(), top.middle(), top.lower())
        <= 0;
  }

  private void push(Source source) {
    if (size == heap.length) {
      heap = java.util.Arrays.copyOf(heap, 2 * size);
    }
    activeReasons += source.reason ? 1 : 0;
    int at = size++;
    while (at > 0 && compare(source, heap[(at - 1) / 2]) < 0) {
      heap[at] = heap[(at - 1) / 2];
      at = (at - 1) / 2;
    }
    heap[at] = source;
  }

  private void siftDown() {
    if (size == 0) {
      return;
    }
    Source moved = heap[0];
    int at = 0;
    while (2 * at + 1 < size) {
      int child = 2 * at + 1;
      if (child + 1 < size && compare(heap[child + 1], heap[child]) < 0) {
        child++;
      }
      if (compare(moved, heap[child]) <= 0) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = moved;
  }

  /// By key and LSN; at equal ones an image comes before a change that leads to it.
  private static int compare(Source a, Source b) {
    LayerCursor x = a.cursor;
    LayerCursor y = b.cursor;
    int order = Key.compare(x.upper(), x.middle(), x.lower(), y.upper(), y.middle(), y.lower());
    if (order == 0) {
      order = Long.compareUnsigned(x.lsn(), y.lsn());
    }
    return order == 0 ? Boolean.compare(y.image(), x.image()) : order;
  }

  /// Stands on the version that {@link #next} moved to.
  LayerCursor cursor() {
    return heap[0].cursor;
  }

  /// How many of the layers that were opened, and are reasons, have more versions.
  int activeReasons() {
    return activeReasons;
  }

  /// The layers that the walk has come to.
  List<HistoricLayer> opened() {
    return files.subList(0, opened);
  }

  @Override
  public void close() {
    for (int i = 0; i < size; i++) {
      heap[i].cursor.close();
    }
    size = 0;
  }
}
