package dev.varve.simulation;

import dev.varve.model.Key;
import dev.varve.model.TimelineId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a timeline should hold: what each key was after each of its versions, in plain lists.
final class ModelTimeline {

  private static final int FIRST_SIZE = 8;

  /// The versions of one key, by their LSNs.
  private static final class Chain {
    private long[] lsns = new long[FIRST_SIZE];
    private PageState[] states = new PageState[FIRST_SIZE];
    private int count;

    void add(long lsn, PageState state) {
      if (count == lsns.length) {
        lsns = Arrays.copyOf(lsns, 2 * count);
        states = Arrays.copyOf(states, 2 * count);
      }
      lsns[count] = lsn;
      states[count++] = state;
    }

    /// The last version up to `lsn`, or -1.
    int floor(long lsn) {
      int at = Arrays.binarySearch(lsns, 0, count, lsn);
      return at >= 0 ? at : -at - 2;
    }
  }

  private final TimelineId id;
  private final String name;
  private final @Nullable ModelTimeline ancestor;
  private final long start;
  private final List<WalEntry> records = new ArrayList<>();
  private final Map<Key, Chain> chains = new HashMap<>();
  private long readableFrom;
  private long durable;

  /// @param start its first LSN; of a branch, the branch point
  ModelTimeline(
      TimelineId id, String name, @Nullable ModelTimeline ancestor, long start, long readableFrom) {
    this.id = id;
    this.name = name;
    this.ancestor = ancestor;
    this.start = start;
    this.readableFrom = readableFrom;
    durable = start;
  }

  TimelineId id() {
    return id;
  }

  String name() {
    return name;
  }

  @Nullable ModelTimeline ancestor() {
    return ancestor;
  }

  long start() {
    return start;
  }

  /// What was taken in, in order.
  List<WalEntry> records() {
    return records;
  }

  long last() {
    return records.isEmpty() ? start : records.getLast().lsn();
  }

  /// Reads from there on must give what the model has.
  long readableFrom() {
    return readableFrom;
  }

  /// Garbage collection has moved it.
  void setReadableFrom(long lsn) {
    readableFrom = lsn;
  }

  /// Up to where it must survive, whatever happens.
  long durable() {
    return durable;
  }

  void promise(long lsn) {
    durable = Math.max(durable, lsn);
  }

  void add(WalEntry record) {
    for (WalEntry.Put put : record.puts()) {
      PageState before = state(put.key(), record.lsn());
      chains
          .computeIfAbsent(put.key(), _ -> new Chain())
          .add(record.lsn(), PageState.after(before, record.lsn(), put.version()));
    }
    records.add(record);
  }

  /// What the key is as of `lsn`; null: it has no versions.
  @Nullable PageState state(Key key, long lsn) {
    Chain chain = chains.get(key);
    int at = chain == null ? -1 : chain.floor(lsn);
    if (chain != null && at >= 0) {
      return chain.states[at];
    }
    return ancestor == null ? null : ancestor.state(key, Math.min(lsn, start));
  }

  /// The LSNs of the versions with `from <= LSN <= to`, ascending, the ancestors' among them.
  List<Long> lsns(Key key, long from, long to) {
    List<Long> found = new ArrayList<>();
    if (ancestor != null) {
      found.addAll(ancestor.lsns(key, from, Math.min(to, start)));
    }
    Chain chain = chains.get(key);
    if (chain != null) {
      for (int i = 0; i < chain.count; i++) {
        if (chain.lsns[i] >= from && chain.lsns[i] <= to) {
          found.add(chain.lsns[i]);
        }
      }
    }
    return found;
  }

  /// Whether `other` is this timeline or one that it was branched from.
  boolean reads(ModelTimeline other) {
    for (ModelTimeline at = this; at != null; at = at.ancestor) {
      if (at == other) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return name;
  }
}
