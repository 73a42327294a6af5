package dev.varve.timeline;

import dev.varve.layer.ReadAhead;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Reads many pages as of one LSN, in the order of their keys, with one layer map of each timeline
/// for all of them. Of one thread.
///
/// Keys that follow each other closely make a *run*: the files are told its end, and may fetch what
/// it needs at once.
final class BatchRead implements AutoCloseable {

  /// Blocks of a relation that are further apart than this are not of one run: reading what lies
  /// between them would cost more than it saves.
  private static final int GAP = 4;

  private final PageReader reader;
  private final Lsn lsn;
  private final PageBuilder builder;
  private final PageRedo redo;
  private final HeldMaps maps = new HeldMaps(this::runs);
  private final ReadAhead ahead = new ReadAhead();
  private List<Key> keys = List.of();
  private int[] order = {};

  /// Where the read is in the order.
  private int at;

  /// @param lsn at most the last record LSN
  BatchRead(PageReader reader, Lsn lsn, PageBuilder builder, PageRedo redo) {
    this.reader = reader;
    this.lsn = lsn;
    this.builder = builder;
    this.redo = redo;
  }

  void run(List<Key> newKeys, MemorySegment target, PageFailures failures) {
    keys = newKeys;
    order = order(keys);
    int runEnd = 0;
    for (at = 0; at < order.length; at++) {
      if (at == runEnd) {
        runEnd = runEnd(at);
        Key last = keys.get(order[runEnd - 1]);
        ahead.readOnTo(last.upper(), last.middle(), last.lower());
      }
      page(keys.get(order[at]), order[at], target, failures);
    }
  }

  /// What is read from now on.
  private List<KeyRun> runs() {
    var runs = new ArrayList<KeyRun>();
    int end;
    for (int start = at; start < order.length; start = end) {
      end = runEnd(start);
      Key first = keys.get(order[start]);
      long last = keys.get(order[end - 1]).lower();
      runs.add(new KeyRun(first.upper(), first.middle(), first.lower(), last));
    }
    return runs;
  }

  private void page(Key key, int index, MemorySegment target, PageFailures failures) {
    MemorySegment page =
        target.asSlice((long) index * PageBuilder.PAGE_BYTES, PageBuilder.PAGE_BYTES);
    builder.reset(page, ahead);
    try {
      reader.build(key, lsn, page, builder, redo, maps);
      reader.metrics().changesApplied.add(builder.changesApplied());
    } catch (PageserverException e) {
      failures.failed(index, e);
    }
  }

  /// The numbers of the keys, ordered by key.
  private static int[] order(List<Key> keys) {
    int[] order = new int[keys.size()];
    Arrays.setAll(order, i -> i);
    for (int i = 1; i < order.length; i++) {
      if (keys.get(i - 1).compareTo(keys.get(i)) > 0) {
        return Arrays.stream(order)
            .boxed()
            .sorted(Comparator.comparing(keys::get))
            .mapToInt(Integer::intValue)
            .toArray();
      }
    }
    return order;
  }

  private int runEnd(int start) {
    int end = start + 1;
    while (end < order.length && areClose(keys.get(order[end - 1]), keys.get(order[end]))) {
      end++;
    }
    return end;
  }

  private static boolean areClose(Key a, Key b) {
    return a.upper() == b.upper() && a.middle() == b.middle() && b.lower() - a.lower() <= GAP;
  }

  @Override
  public void close() {
    maps.close();
  }
}
